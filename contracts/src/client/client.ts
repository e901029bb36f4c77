/**
 * A typed client with one method per route, derived from the route values (no code generation): what it sends and gives back is what the
 * server decodes and encodes. For the live stream see `events.ts`.
 */
import { either as E } from 'fp-ts';
import type * as t from 'io-ts';
import { decode } from '../codec.ts';
import * as chat from '../http/chat.ts';
import type { ReceivedFile } from '../http/form.ts';
import * as mail from '../http/mail.ts';
import * as media from '../http/media.ts';
import type { Method, Produces, Route } from '../http/route.ts';
import * as system from '../http/system.ts';
import type { Id } from '../ids.ts';
import { problemErrorOf } from './problem-error.ts';

export { ProblemError } from './problem-error.ts';

export interface ClientOptions {
  /** `https://tidings.example.org` */
  readonly baseUrl: string;
  /** Asked for every call, so that it may be renewed. */
  readonly token: () => string | Promise<string>;
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  /** Makes it safe to call again with the same content (POST). */
  readonly idempotencyKey?: string;
  /** `Tidings-Position` of an earlier answer: a query waits until it can be read. */
  readonly position?: string;
  readonly signal?: AbortSignal;
}

const modules = { ...chat, ...mail, ...media, ...system };

type RoutesIn<M> = { readonly [K in keyof M as M[K] extends Route ? K : never]: M[K] extends Route ? M[K] : never };
type ApiRoutes = RoutesIn<typeof modules>;

/** Callers need not brand the ids they send: the server checks them anyway. */
type Sendable<T> = T extends Id<string> ? string : T extends object ? { readonly [K in keyof T]: Sendable<T[K]> } : T;

type Part<Name extends string, T> = [T] extends [void]
  ? unknown
  : Partial<T> extends T
    ? { readonly [N in Name]?: Sendable<T> }
    : undefined extends T
      ? { readonly [N in Name]?: Sendable<T> }
      : { readonly [N in Name]: Sendable<T> };

/** A form is the caller's to fill: `form.append('image', blob, 'cat.png')`. */
type BodyPart<T> = [T] extends [ReceivedFile] ? { readonly body: FormData } : Part<'body', T>;

export type RequestOf<R> =
  R extends Route<infer P, infer Q, infer B>
    ? Part<'params', t.TypeOf<P>> & Part<'query', t.TypeOf<Q>> & BodyPart<t.TypeOf<B>> & CallOptions
    : never;

/** JSON decoded by the route's codec; text as text; bytes as the response, to be read as the caller likes. */
export type ResultOf<R> =
  R extends Route<infer _P, infer _Q, infer _B, infer A, infer K>
    ? K extends 'json' | 'empty'
      ? t.TypeOf<A>
      : K extends 'text'
        ? string
        : Response
    : never;

/** @throws ProblemError for an error answer, what `fetch` throws when there is none, ContractError for an answer of another shape */
type Call<R> =
  Partial<RequestOf<R>> extends RequestOf<R>
    ? (request?: RequestOf<R>) => Promise<ResultOf<R>>
    : (request: RequestOf<R>) => Promise<ResultOf<R>>;

export type Client = { readonly [K in keyof ApiRoutes]: Call<ApiRoutes[K]> };

/** The server's answer is not what this client's contracts say: one of them is older than they can be. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

export const createClient = (options: ClientOptions): Client => {
  const methods = Object.entries<unknown>(modules).flatMap(([name, value]) =>
    isRoute(value) ? [[name, (request: AnyRequest = {}) => call(options, value, request)] as const] : [],
  );
  // ApiRoutes selects the same entries of `modules` by type as `isRoute` does by value.
  return Object.fromEntries(methods) as unknown as Client;
};

const isRoute = (value: unknown): value is Route => typeof value === 'object' && value !== null && 'produces' in value && 'path' in value;

interface AnyRequest extends CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: object;
  readonly body?: unknown;
}

const call = async (options: ClientOptions, route: Route, request: AnyRequest): Promise<unknown> => {
  const response = await (options.fetch ?? fetch)(urlOf(options.baseUrl, route, request), {
    method: route.method satisfies Method,
    headers: {
      ...(route.public ? {} : { authorization: `Bearer ${await options.token()}` }),
      // `fetch` knows the boundary of a form, and says it.
      ...(request.body === undefined || request.body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      ...(request.idempotencyKey === undefined ? {} : { 'idempotency-key': request.idempotencyKey }),
      ...(request.position === undefined ? {} : { 'tidings-position': request.position }),
    },
    ...(request.body === undefined ? {} : { body: request.body instanceof FormData ? request.body : JSON.stringify(request.body) }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  if (!response.ok) throw await problemErrorOf(response);
  return read(route, response);
};

const urlOf = (baseUrl: string, route: Route, { params = {}, query = {} }: AnyRequest): string => {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const encoded = route.query.encode(query) as Readonly<Record<string, string | undefined>>; // query codecs encode to text
  const search = new URLSearchParams(Object.entries(encoded).filter((pair): pair is [string, string] => pair[1] !== undefined));
  return `${baseUrl.replace(/\/$/, '')}${path}${search.size === 0 ? '' : `?${search.toString()}`}`;
};

const read = async (route: Route, response: Response): Promise<unknown> => {
  const produces: Produces = route.produces;
  switch (produces) {
    case 'empty':
      await response.arrayBuffer(); // frees the connection
      return undefined;
    case 'text':
      return response.text();
    case 'json': {
      const decoded = decode<unknown>(route.response, await response.json());
      if (E.isRight(decoded)) return decoded.right;
      throw new ContractError(`${route.id}: ${decoded.left.map(({ path, message }) => `${path} ${message}`).join('; ')}`);
    }
    case 'rfc822':
    case 'binary':
    case 'event-stream':
      return response;
  }
};
