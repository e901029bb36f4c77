import type { StreamId } from '@tidings/contracts/ids';
import { type LoggedEvent, LogUnavailable, START } from '@tidings/contracts/ports/event-log';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someEvents } from '../event-log/contract.ts';
import { openMemoryLog } from '../event-log/memory/memory-log.ts';
import { fannedTail } from './fanned-log.ts';
import { keyOf, recordFor, relayedIn, type Relayed } from './relayed.ts';
import { createRelayedBuffer } from './relayed-buffer.ts';

const logOf = async (count: number) => {
  const log = openMemoryLog();
  for (let n = 0; n < count; n += 1)
    await log.append(`room-${n % 5}.x` as StreamId, 'any', someEvents(1, n % 3 === 0 ? 'Wanted' : 'Other'));
  const { events } = await log.readAll(0, START, count);
  const relayed = events.map((event, at): Relayed => ({ event, previous: events[at - 1]?.position ?? START }));
  return { log, events, relayed };
};

const tailed = async (
  count: number,
  parts: Pick<Parameters<typeof fannedTail>[0], 'log' | 'buffer'>,
  types?: readonly string[],
): Promise<{ readonly seen: readonly LoggedEvent[]; readonly fromKafka: number }> => {
  const stop = new AbortController();
  const seen: LoggedEvent[] = [];
  let fromKafka = 0;
  const counted: Parameters<typeof fannedTail>[0]['counted'] = (source, page) => {
    fromKafka += source === 'kafka' ? page.events.length : 0;
    return page;
  };
  const filter = types === undefined ? {} : { filter: { types } };
  for await (const page of fannedTail({ ...parts, counted, patienceMs: 5 }, 0, START, { limit: 7, ...filter, signal: stop.signal })) {
    seen.push(...page.events);
    if (seen.length >= count) stop.abort();
  }
  return { seen, fromKafka };
};

describe('the tail of the log by way of Kafka', () => {
  it('gives each event once, in order, whatever Kafka loses, repeats and mixes up', async () => {
    const { log, events, relayed } = await logOf(40);
    const deliveries = fc.array(fc.nat(39), { maxLength: 120 });
    await fc.assert(
      fc.asyncProperty(deliveries, fc.integer({ min: 1, max: 60 }), async (order, room) => {
        const buffer = createRelayedBuffer(room);
        for (const at of order) buffer.put(relayed[at] ?? (relayed[0] as Relayed)); // there are 40
        expect((await tailed(40, { log, buffer })).seen).toEqual(events);
      }),
      { numRuns: 30 },
    );
  });

  it('does not ask the log for what Kafka brings, also when it comes while one waits', async () => {
    const { events, relayed } = await logOf(30);
    const buffer = createRelayedBuffer(100);
    const log = { readAll: () => Promise.reject(new Error('the log was asked')) };
    for (const one of relayed.slice(0, 20).toReversed()) buffer.put(one);
    const seen = tailed(30, { log, buffer });
    for (const one of relayed.slice(20)) buffer.put(one);
    expect(await seen).toEqual({ seen: events, fromKafka: 30 });
  });

  it('leaves out what is not asked for, from either', async () => {
    const { log, events, relayed } = await logOf(30);
    const buffer = createRelayedBuffer(100);
    for (const one of relayed.slice(0, 15)) buffer.put(one);
    const wanted = events.filter(({ type }) => type === 'Wanted');
    expect((await tailed(wanted.length, { log, buffer }, ['Wanted'])).seen).toEqual(wanted);
  });

  it('says so when neither has the event', async () => {
    const away = new LogUnavailable('not-applied', new Error('away'));
    const log = { readAll: () => Promise.reject(away) };
    await expect(tailed(1, { log, buffer: createRelayedBuffer(1) })).rejects.toBe(away);
  });
});

describe('an event as a message', () => {
  it('comes back as it was, and anything else is none', async () => {
    const { relayed } = await logOf(3);
    for (const one of relayed) expect(relayedIn(Buffer.from(recordFor(one).value))).toEqual(one);
    for (const value of [null, Buffer.from('nonsense'), Buffer.from('{}'), Buffer.from('[1]')]) expect(relayedIn(value)).toBeNull();
  });

  it('shares a partition with what its order matters to', () => {
    expect(['room-1', 'message-1.x', 'read-1.y'].map((stream) => keyOf(stream as StreamId))).toEqual(['1', '1', '1']);
  });
});
