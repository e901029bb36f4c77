/** What a handler is given: the decoded request, who asks, and how to end a command so that its caller can read what it wrote. */
import type { UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Timestamp } from '@tidings/contracts/time';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';

/** Whoever a valid token speaks for. */
export interface Actor {
  readonly userId: UserId;
  readonly displayName: string;
  /** `email` claim as given; null when there is none or the issuer says that nobody verified it. */
  readonly email: string | null;
  readonly roles: readonly string[];
  /** Has the role named by `OIDC_ADMIN_ROLE`. */
  readonly isAdmin: boolean;
  /** `azp`, else `client_id`: the application that holds the token. */
  readonly clientId: string | null;
  /** When the token ends, in milliseconds since the epoch. A stream must not outlive it. */
  readonly expiresAt: number;
}

/** What every request has, authenticated or not. `request` and `reply` are for streams and headers; bodies are returned, not sent. */
export interface PublicCtx<Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** When the request arrived. */
  readonly at: Timestamp;
  readonly traceId: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface Ctx<Params = unknown, Query = unknown, Body = unknown> extends PublicCtx<Params, Query, Body> {
  readonly actor: Actor;
  /**
   * Names what this request asks for: the same UUID for every retry by the same actor with the same `Idempotency-Key` (or body
   * `clientMessageId`) on the same endpoint, else random. Ids of created things derive from it: `derivedId('message', ctx.operationId)`.
   */
  readonly operationId: string;
  /** `Idempotency-Key`, else body `clientMessageId`, else null. */
  readonly idempotencyKey: string | null;
  /**
   * For `platform.commands`. Its `commandId` derives from `operationId` and the request's content, so a retry appends nothing twice
   * and the same key with other content is another command (which the reservation then refuses).
   */
  readonly context: CommandContext;
  /** True when this very request (key and content) was accepted before. Only routes with `idempotent` know; false elsewhere. */
  readonly retried: boolean;
  /**
   * Ends a command: sets `Tidings-Position` and waits until the named live projections have applied `position`, so that what follows
   * reads its own write. Call it last, before reading back. With `Prefer: respond-async` it does not return: the request is answered
   * 202 at once.
   * @throws ApiError 503 NOT_YET_VISIBLE when the budget ran out; the command stands
   */
  readonly settle: (position: Position, projections: readonly string[]) => Promise<void>;
}

/** An answer that is not JSON made from an object: bytes, a stream, or JSON text rendered elsewhere. Make it with `bytes`. */
export class Bytes {
  readonly source: Readable | Uint8Array | string;
  readonly contentType: string;
  constructor(source: Readable | Uint8Array | string, contentType: string) {
    this.source = source;
    this.contentType = contentType;
  }
}

/** Further headers (`Content-Disposition`, `ETag`) go through `ctx.reply.header`. */
export const bytes = (source: Readable | Uint8Array | string, contentType: string): Bytes => new Bytes(source, contentType);
