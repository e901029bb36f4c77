/**
 * `Idempotency-Key` (or body `clientMessageId`), kept by the log so that it holds across restarts and nodes. Two derived ids carry it:
 * the operation id (actor, route, key) names what the request makes, the command id (operation, content) names the request itself.
 */
import { commandAccepted } from '@tidings/contracts/events/command';
import { derivedId, streamId, type CommandId, type UserId } from '@tidings/contracts/ids';
import type { Route } from '@tidings/contracts/http/route';
import type { FastifyRequest } from 'fastify';
import { hash, randomUUID } from 'node:crypto';
import type { Platform } from '../../platform/src/platform.ts';
import { ApiError, invalid } from './errors.ts';

/** What a request asks for, named so that a repetition has the same names. */
export interface Operation {
  readonly id: string;
  readonly commandId: CommandId;
  readonly key: string | null;
  /** sha256 of the decoded path, query and body; empty when there is no key to compare it under. */
  readonly contentHash: string;
}

/** @throws ApiError 400 when the key is not 1-255 visible ASCII characters */
export const operationOf = (
  route: Route,
  actor: UserId,
  request: FastifyRequest,
  content: { readonly params: unknown; readonly query: unknown; readonly body: unknown },
): Operation => {
  const key = keyOf(request);
  if (key === null) {
    const id = randomUUID();
    return { id, commandId: id as string as CommandId, key, contentHash: '' }; // any new UUID will do
  }
  const id = derivedId<string>('operation', actor, route.id, key);
  const contentHash = hash('sha256', canonical([content.params, content.query, content.body]));
  return { id, commandId: derivedId<CommandId>('command', id, contentHash), key, contentHash };
};

const keyOf = (request: FastifyRequest): string | null => {
  const header = request.headers['idempotency-key'];
  if (header !== undefined) return checked('Idempotency-Key', header);
  const body = request.body;
  if (typeof body !== 'object' || body === null || !('clientMessageId' in body) || body.clientMessageId == null) return null;
  return checked('clientMessageId', body.clientMessageId);
};

const checked = (path: string, key: unknown): string => {
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalid([{ path, message: 'must be 1-255 visible ASCII characters' }]);
};

/** JSON with sorted keys: two bodies that say the same are the same. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/**
 * Claims the key for this content: `append(none)` on a stream derived from the operation, with event ids derived from the command. The
 * same request again meets its own event; another content meets a stranger's.
 * @returns true when this request was accepted before
 * @throws ApiError 422 when the key stands for other content
 */
export const reserve = async (platform: Platform, operation: Operation): Promise<boolean> => {
  if (operation.key === null) return false;
  const result = await platform.events.append(
    streamId('command', operation.id),
    'none',
    [commandAccepted({ commandId: operation.commandId, contentHash: operation.contentHash })],
    { commandId: derivedId<CommandId>('reservation', operation.commandId) },
  );
  if (result.type === 'conflict') {
    throw new ApiError(
      'IDEMPOTENCY_KEY_REUSED',
      'This Idempotency-Key was used before with other content. Use a new key for a new request.',
    );
  }
  return result.type === 'duplicate';
};
