/** The few questions that we ask of KurrentDB, each with an end: the client's own may stay unanswered when its shared stream breaks. */
import {
  type AllStreamResolvedEvent,
  CancelledError,
  DeadlineExceededError,
  type EventStoreDBClient,
  NotLeaderError,
  type ResolvedEvent,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
} from '@eventstore/db-client';
import type { StreamId } from '@tidings/contracts/ids';
import { LogUnavailable } from '@tidings/contracts/ports/event-log';
import { type AllPosition, BEGIN, isBehind } from './positions.ts';

/** Within a cluster a follower may lag behind what the leader answered. */
const LEADER = { requiresLeader: true };

/** @throws the client's errors; `Silent` when none came in time */
export const within = async <A>(ms: number, asked: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Silent(ms)), ms);
  });
  try {
    return await Promise.race([asked, silence]);
  } finally {
    clearTimeout(timer);
  }
};

export class Silent extends Error {
  override readonly name = 'Silent';
  constructor(ms: number) {
    super(`KurrentDB did not answer within ${ms} ms`);
  }
}

export const readStreamPage = async (
  client: EventStoreDBClient,
  stream: StreamId,
  where: { readonly from: number | 'end'; readonly limit: number; readonly ms: number },
): Promise<readonly ResolvedEvent[]> => {
  const reading = client.readStream(stream, {
    ...LEADER,
    ...(where.from === 'end'
      ? { direction: 'backwards', fromRevision: 'end' }
      : { direction: 'forwards', fromRevision: BigInt(where.from) }),
    maxCount: where.limit,
  });
  try {
    return await within(where.ms, gathered(reading));
  } catch (error) {
    if (error instanceof StreamNotFoundError) return [];
    await reading.cancel();
    throw error;
  }
};

/** From `from` on, or backwards from the end. Never without a limit: the client holds in memory what it is given. */
export const readAllPage = async (
  client: EventStoreDBClient,
  where: { readonly from: AllPosition | 'end'; readonly limit: number; readonly ms: number },
): Promise<readonly AllStreamResolvedEvent[]> => {
  const { from } = where;
  const reading = client.readAll({
    ...LEADER,
    direction: from === 'end' ? 'backwards' : 'forwards',
    fromPosition: from === 'end' ? 'end' : isBehind(from, BEGIN) ? from : 'start',
    maxCount: where.limit,
  });
  try {
    return await within(where.ms, gathered(reading));
  } catch (error) {
    await reading.cancel();
    throw error;
  }
};

const gathered = async <A>(reading: AsyncIterable<A>): Promise<readonly A[]> => {
  const found: A[] = [];
  for await (const event of reading) found.push(event);
  return found;
};

/** What passes by itself: no line, no leader, no time. A refusal stays one. */
export const mayPass = (error: unknown): boolean => error instanceof Silent || PASSING.some((kind) => error instanceof kind);

const PASSING = [UnavailableError, CancelledError, DeadlineExceededError, TimeoutError, NotLeaderError, UnknownError] as const;

/** Reading leaves nothing in doubt. */
export const unavailable = (error: unknown): unknown => (mayPass(error) ? new LogUnavailable('not-applied', error) : error);
