/**
 * A typed client with one method per route, derived from the route values (no code generation): what it sends and gives back is what the
 * server decodes and encodes. For the live stream see `events.ts`.
 */
import * as E from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import { decode } from '../codec.ts';
import * as admin from '../http/admin.ts';
import * as answering from '../http/answering.ts';
import * as chat from '../http/chat.ts';
import type { ReceivedFile } from '../http/form.ts';
import * as contacts from '../http/contacts.ts';
import * as deliveries from '../http/deliveries.ts';
import * as domains from '../http/domains.ts';
import * as drafts from '../http/drafts.ts';
import * as gatewayOut from '../http/gateway-out.ts';
import * as gatewayInbound from '../http/gateway-inbound.ts';
import * as gateway from '../http/gateway.ts';
import * as images from '../http/images.ts';
import * as imports from '../http/imports.ts';
import * as groups from '../http/groups.ts';
import * as keywords from '../http/keywords.ts';
import * as labels from '../http/labels.ts';
import * as leaving from '../http/leaving.ts';
import * as mailSearch from '../http/mail-search.ts';
import * as mail from '../http/mail.ts';
import * as mailboxes from '../http/mailboxes.ts';
import * as media from '../http/media.ts';
import * as messages from '../http/messages.ts';
import * as notes from '../http/notes.ts';
import * as notify from '../http/notify.ts';
import * as pendingMail from '../http/pending-mail.ts';
import * as presence from '../http/presence.ts';
import * as push from '../http/push.ts';
import * as receipts from '../http/receipts.ts';
import * as reports from '../http/reports.ts';
import type { LiveCursor } from '../http/live.ts';
import type { Produces, Route } from '../http/route.ts';
import * as search from '../http/search.ts';
import * as sending from '../http/sending.ts';
import * as sharing from '../http/sharing.ts';
import * as storage from '../http/storage.ts';
import * as sync from '../http/sync.ts';
import * as system from '../http/system.ts';
import * as templates from '../http/templates.ts';
import * as webhooks from '../http/webhooks.ts';
import type { Id } from '../ids.ts';
import { type AnyRequest, type CallOptions, type ClientOptions, send } from './send.ts';

export { ProblemError } from './problem-error.ts';
export type { CallOptions, ClientOptions } from './send.ts';

const modules = {
  ...chat,
  ...groups,
  ...messages,
  ...receipts,
  ...gatewayOut,
  ...gateway,
  ...gatewayInbound,
  ...reports,
  ...mail,
  ...mailboxes,
  ...domains,
  ...contacts,
  ...storage,
  ...drafts,
  ...sending,
  ...templates,
  ...answering,
  ...deliveries,
  ...leaving,
  ...labels,
  ...images,
  ...imports,
  ...notes,
  ...keywords,
  ...pendingMail,
  ...sharing,
  ...mailSearch,
  ...media,
  ...search,
  ...sync,
  ...presence,
  ...notify,
  ...push,
  ...webhooks,
  ...admin,
  ...system,
};

type RoutesIn<M> = { readonly [K in keyof M as M[K] extends Route ? K : never]: M[K] extends Route ? M[K] : never };
type ApiRoutes = RoutesIn<typeof modules>;

/** Callers need not brand the ids they send, nor take cursors apart: the server checks them anyway. */
type Sendable<T> = T extends Id<string> | LiveCursor ? string : T extends object ? { readonly [K in keyof T]: Sendable<T[K]> } : T;

type Part<Name extends string, T> = [T] extends [void]
  ? unknown
  : Partial<T> extends T
    ? { readonly [N in Name]?: Sendable<T> }
    : undefined extends T
      ? { readonly [N in Name]?: Sendable<T> }
      : { readonly [N in Name]: Sendable<T> };

/** A form is the caller's to fill: `form.append('image', blob, 'cat.png')`. A whole message is bytes, and says whom it is for. */
type BodyPart<T> = [T] extends [ReceivedFile]
  ? { readonly body: FormData }
  : [T] extends [Uint8Array]
    ? { readonly body: Uint8Array<ArrayBuffer>; readonly rcptTo: readonly string[] }
    : [Extract<T, ReceivedFile>] extends [never]
      ? Part<'body', T>
      : { readonly body: FormData | Sendable<Exclude<T, ReceivedFile>> };

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

const call = async (options: ClientOptions, route: Route, request: AnyRequest): Promise<unknown> =>
  read(route, await send(options, route, request));

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
