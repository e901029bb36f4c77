/**
 * An HTTP endpoint as a value. The server decodes by it, the OpenAPI document and the typed client derive from it, so the three can
 * never disagree.
 */
import * as t from 'io-ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Produces = 'json' | 'empty' | 'text' | 'rfc822' | 'binary' | 'event-stream';

export interface Route<
  P extends t.Mixed = t.Mixed,
  Q extends t.Mixed = t.Mixed,
  B extends t.Mixed = t.Mixed,
  R extends t.Mixed = t.Mixed,
  K extends Produces = Produces,
> {
  /** Unique; the client's method name and OpenAPI's `operationId`. */
  readonly id: string;
  readonly method: Method;
  /** `/api/rooms/{roomId}/timeline` */
  readonly path: string;
  /** OpenAPI tag: `Rooms`, `Threads`, … */
  readonly tag: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly response: R;
  /** `application/json` unless said; `empty` answers 200 without a body. */
  readonly produces: K;
  /** Status codes it may answer beside 2xx and the ones every route has (400, 401, 429, 503). */
  readonly errors: readonly number[];
  /** Open to everyone; all other routes need a bearer token. */
  readonly public: boolean;
  /** Answers 302 where large bytes are handed out elsewhere (`S3_DOWNLOAD_URL`). */
  readonly mayRedirect: boolean;
}

const nothing = t.type({});

export const defineRoute = <
  P extends t.Mixed = typeof nothing,
  Q extends t.Mixed = typeof nothing,
  B extends t.Mixed = t.VoidC,
  R extends t.Mixed = t.VoidC,
  K extends Produces = R extends t.VoidC ? 'empty' : 'json',
>(route: {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly response?: R;
  readonly produces?: K;
  readonly errors?: readonly number[];
  readonly public?: boolean;
  readonly mayRedirect?: boolean;
}): Route<P, Q, B, R, K> => ({
  errors: [],
  public: false,
  mayRedirect: false,
  ...route,
  params: (route.params ?? nothing) as P,
  query: (route.query ?? nothing) as Q,
  body: (route.body ?? t.void) as B,
  response: (route.response ?? t.void) as R,
  produces: route.produces ?? ((route.response === undefined ? 'empty' : 'json') as K), // what the default of K says
});
