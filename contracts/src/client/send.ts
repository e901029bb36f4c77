/** One call of a route, tried again where that is safe: the same request under the same `Idempotency-Key`. */
import { v4 } from 'uuid';
import type { Method, Route } from '../http/route.ts';
import { backoffMs, pause } from './pause.ts';
import { ProblemError, problemErrorOf } from './problem-error.ts';

export interface ClientOptions {
  /** `https://tidings.example.org` */
  readonly baseUrl: string;
  /**
   * Asked for every call. After a 401 it is asked once more, with the token that was `refused`: give a newer one and the call is made again, give the
   * same and its error is thrown.
   */
  readonly token: (refused?: string) => string | Promise<string>;
  readonly fetch?: typeof fetch;
  /** How long a call may go on being tried again in all; 15 s when left out, 0 for never. */
  readonly retryForMs?: number;
}

export interface CallOptions {
  /** Makes it safe to call again with the same content (POST). Each call has one of its own when left out, kept over its own tries. */
  readonly idempotencyKey?: string;
  /** `Tidings-Position` of an earlier answer: a query waits until it can be read. */
  readonly position?: string;
  readonly signal?: AbortSignal;
}

export interface AnyRequest extends CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: object;
  readonly body?: unknown;
  /** Of a whole message. */
  readonly rcptTo?: readonly string[];
}

const RETRY_FOR_MS = 15_000;
const LONGEST_PAUSE_MS = 4_000;

/** @throws ProblemError for an error answer, what `fetch` throws when there is none */
export const send = async (options: ClientOptions, route: Route, request: AnyRequest): Promise<Response> => {
  const key = request.idempotencyKey ?? ownKey(route, request.body);
  const giveUpAt = Date.now() + (options.retryForMs ?? RETRY_FOR_MS);
  let refused: ProblemError | null = null;
  let token = route.public ? null : await options.token();
  for (let failures = 1; ;) {
    try {
      return await attempt(options, route, request, token, key);
    } catch (thrown) {
      if (request.signal?.aborted === true) throw thrown;
      if (token !== null && refused === null && thrown instanceof ProblemError && thrown.status === 401) {
        refused = thrown;
        const newer = await options.token(token);
        if (newer === token) throw thrown;
        token = newer;
        continue;
      }
      const waitMs = waitAfter(thrown, route, failures);
      if (waitMs === null || Date.now() + waitMs > giveUpAt) throw thrown;
      await pause(waitMs, request.signal);
      request.signal?.throwIfAborted();
      failures += 1;
      if (token !== null) token = await options.token(); // it may have ended meanwhile
    }
  }
};

/** POSTs that make something take a key; one with a `clientMessageId` has one already. */
const ownKey = (route: Route, body: unknown): string | undefined =>
  route.method !== 'POST' || (typeof body === 'object' && body !== null && 'clientMessageId' in body) ? undefined : v4();

/** Null where trying again does not help, or might do a second time what was done. */
const waitAfter = (failure: unknown, route: Route, failures: number): number | null => {
  if (!(failure instanceof ProblemError)) return isRepeatable(route) ? backoffMs(failures, LONGEST_PAUSE_MS) : null;
  if (failure.retryAfterSeconds === null || (failure.status !== 429 && failure.status !== 503)) return null;
  // It was carried out and cannot be read yet.
  if (failure.code === 'NOT_YET_VISIBLE' && !isRepeatable(route)) return null;
  return Math.max(failure.retryAfterSeconds * 1000, backoffMs(failures, LONGEST_PAUSE_MS));
};

/** A POST that answers with what it made knows its own key again. */
const isRepeatable = ({ method, produces }: Route): boolean =>
  method === 'GET' || method === 'PUT' || (method === 'POST' && produces !== 'empty');

const attempt = async (
  options: ClientOptions,
  route: Route,
  request: AnyRequest,
  token: string | null,
  key: string | undefined,
): Promise<Response> => {
  const response = await (options.fetch ?? fetch)(urlOf(options.baseUrl, route, request), {
    method: route.method satisfies Method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      // `fetch` knows the boundary of a form, and says it.
      ...(request.body === undefined || request.body instanceof FormData ? {} : { 'content-type': typeOf(request.body) }),
      ...(request.rcptTo === undefined ? {} : { 'x-rcpt-to': request.rcptTo.map(latin1).join(', ') }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(request.position === undefined ? {} : { 'tidings-position': request.position }),
    },
    ...(request.body === undefined ? {} : { body: bodyOf(request.body) }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  if (response.ok) return response;
  if (!response.redirected) throw await problemErrorOf(response);
  // What a link led to may be gone by now: the API, asked again, knows of that.
  await response.body?.cancel();
  throw new Error(`${new URL(response.url).origin}, where the answer is, says ${response.status} ${response.statusText}`);
};

const typeOf = (body: unknown): string => (body instanceof Uint8Array ? 'message/rfc822' : 'application/json');

const bodyOf = (body: unknown): FormData | Uint8Array<ArrayBuffer> | string => {
  if (body instanceof FormData) return body;
  return body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body); // `fetch` takes no shared memory, nor does the contract
};

/** `fetch` writes the characters of a header as bytes; an address beyond ASCII is UTF-8 (RFC 6532). */
const latin1 = (text: string): string => Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');

/** Where a request goes, with its path and query filled in. */
export const urlOf = (baseUrl: string, route: Route, { params = {}, query = {} }: Pick<AnyRequest, 'params' | 'query'>): string => {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const encoded = route.query.encode(query) as Readonly<Record<string, string | undefined>>; // query codecs encode to text
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query) as readonly (readonly [string, unknown])[]) {
    const text = typeof value === 'string' ? value : encoded[name]; // as the server gave it, or as it takes it
    if (text !== undefined) search.append(name, text);
  }
  return `${baseUrl.replace(/\/$/, '')}${path}${search.size === 0 ? '' : `?${search.toString()}`}`;
};
