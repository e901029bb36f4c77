/** A command that must be answered as the first time when it is sent again, though its state has moved on since. */
import type { Decider } from '@tidings/contracts/decider';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { streamId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Outcome } from '@tidings/infra/commands/commands';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../../platform/src/platform.ts';
import type { Ctx } from './ctx.ts';

/**
 * As `Commands.transact`, but a rejection of a request with a key counts as success when the stream already holds what another run of it added
 * (inviting someone twice under one `Idempotency-Key` is no `AlreadyMember`). The run that came first may be overtaken by its own retry, so
 * both look. For routes with `idempotent`.
 */
export const transactOnce = async <State, Command, Event extends TidingsEvent, Rejection extends { readonly type: string }>(
  platform: Platform,
  ctx: Pick<Ctx, 'context' | 'idempotencyKey'>,
  decider: Decider<State, Command, Event, Rejection>,
  key: string,
  command: Command,
): Promise<E.Either<Rejection, Outcome<State, Event>>> => {
  const decided = await platform.commands.transact(decider, key, command, ctx.context);
  if (E.isRight(decided) || ctx.idempotencyKey === null) return decided;
  const events = await platform.events.readStream(streamId(decider.category, key));
  const earlier = events.findLast(({ meta }) => meta.commandId === ctx.context.commandId);
  if (earlier === undefined) return decided;
  const { state, revision, position } = await platform.commands.load(decider, key);
  return E.right({ state, events: [], revision, position, recordedAt: earlier.recordedAt });
};

/**
 * Where the first run of a retried request wrote to the stream; null when it did not, or is no retry. For commands that put something in the
 * place of something else: a retry must not put it back after others went on.
 */
export const writtenBefore = async <State, Command, Event extends TidingsEvent, Rejection extends { readonly type: string }>(
  platform: Platform,
  { context, retried }: Pick<Ctx, 'context' | 'retried'>,
  decider: Decider<State, Command, Event, Rejection>,
  key: string,
): Promise<Position | null> => {
  if (!retried) return null;
  const events = await platform.events.readStream(streamId(decider.category, key));
  return events.findLast(({ meta }) => meta.commandId === context.commandId)?.position ?? null;
};
