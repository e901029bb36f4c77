import type { StreamId } from '@tidings/contracts/ids';
import { type EventLog, LogUnavailable, type Position, START } from '@tidings/contracts/ports/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KurrentProtocolServer } from '../../../../tests/kit/kurrentdb-protocol.ts';
import { eventLogContract, someEvents } from '../contract.ts';
import { openKurrentLog } from './kurrentdb-log.ts';
import { allPositionOf, textOf } from './positions.ts';

eventLogContract(
  'KurrentDB (its wire protocol, in this process)',
  async ({ queueLimit }) => {
    const server = new KurrentProtocolServer();
    await server.listen();
    const log = await openKurrentLog({ url: server.url, ...(queueLimit === undefined ? {} : { queueLimit }) });
    return {
      log,
      close: async () => {
        await log.close();
        server.stop();
      },
    };
  },
  { sharded: false },
);

const stream = 'test-a' as StreamId;

describe('KurrentDB, where it goes wrong', () => {
  let server: KurrentProtocolServer;
  let log: EventLog;
  beforeEach(async () => {
    server = new KurrentProtocolServer();
    await server.listen();
    log = await openKurrentLog({ url: server.url, tryMs: 1_000, pollMs: 100 });
  });
  afterEach(async () => {
    await log.close();
    server.stop();
  });
  const ids = (): readonly string[] => server.records.all.filter(({ type }) => !type.startsWith('$')).map(({ id }) => id);

  it.each(['answer-lost', 'stream-breaks-before', 'silence', 'server-full'] as const)(
    'sends an append again with the same ids when its answer does not come (%s), and writes it once',
    async (fault) => {
      for (const expected of ['none', 'any', 'exists', { revision: 5 }] as const) {
        server.fail(fault);
        const events = someEvents(2);
        const before = server.appends;
        expect(await log.append(stream, expected, events)).toMatchObject({ type: 'appended', revision: ids().length - 1 });
        expect(server.appends).toBe(before + 2);
        expect(ids().slice(-2)).toEqual(events.map(({ id }) => id));
      }
      expect(ids()).toHaveLength(8);
    },
  );

  it('keeps appends apart that share the stream which breaks', async () => {
    await log.append(stream, 'none', someEvents(1));
    server.fail('answer-lost', 'stream-breaks-before', 'answer-lost');
    const all = Array.from({ length: 50 }, (_, n) => ({ stream: `test-s${n % 10}` as StreamId, events: someEvents(1) }));
    const results = await Promise.all(all.map((one) => log.append(one.stream, 'any', one.events)));
    expect(new Set(results.map(({ type }) => type))).toEqual(new Set(['appended']));
    expect(ids().slice(1).toSorted()).toEqual(all.flatMap(({ events }) => events.map(({ id }) => id)).toSorted());
  });

  it('lets several logs of one process go on when the stream of one of them breaks', async () => {
    // The client keeps the promises of all its instances in one place, and empties it when the stream of any of them breaks.
    const others = await Promise.all([1, 2, 3].map(() => openKurrentLog({ url: server.url, tryMs: 1_000 })));
    const logs = [log, ...others];
    for (let round = 0; round < 10; round += 1) {
      server.fail('answer-lost');
      const results = await Promise.all(
        logs.flatMap((one, n) => [0, 1, 2].map((at) => one.append(`test-${n}.${at}` as StreamId, 'any', someEvents(1)))),
      );
      expect(results.map(({ type }) => type)).toEqual(results.map(() => 'appended'));
    }
    expect(ids()).toHaveLength(120);
    await Promise.all(others.map((one) => one.close()));
    expect(await log.append(stream, 'none', someEvents(1))).toMatchObject({ type: 'appended' });
  });

  it('says that it does not know when no answer comes at all, and that it was a duplicate when it is asked again', async () => {
    const impatient = await openKurrentLog({ url: server.url, tryMs: 100, deadlineMs: 150 });
    server.fail('silence', 'silence', 'silence', 'silence', 'silence');
    const events = someEvents(1);
    const failed: unknown = await impatient.append(stream, 'none', events).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(LogUnavailable);
    expect(failed).toMatchObject({ outcome: 'unknown' });
    await impatient.close();
    await expect(impatient.append(stream, 'none', events)).rejects.toMatchObject({ outcome: 'not-applied' });
    server.heal();
    expect(await log.append(stream, 'none', events)).toMatchObject({ type: 'duplicate', revision: 0 });
    expect(ids()).toHaveLength(1);
  });

  it('lets nobody who does not mind the revision write over another writer', async () => {
    const other = await openKurrentLog({ url: server.url });
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? log : other).append(stream, 'any', someEvents(1))),
    );
    expect(results.map((result) => (result.type === 'appended' ? result.revision : -1)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, n) => n),
    );
    await other.close();
  });

  it('follows the leader', async () => {
    const [{ records }, next] = [server, new KurrentProtocolServer(server.records)];
    await next.listen();
    try {
      await log.append(stream, 'none', someEvents(1));
      server.leader = next;
      expect(await log.append(stream, { revision: 0 }, someEvents(1))).toMatchObject({ type: 'appended', revision: 1 });
      expect(next.appends).toBe(1);
      expect(records.all).toHaveLength(2);
      server.leader = null;
      next.leader = server;
      expect(await log.readStream(stream, 0, 10).catch(() => log.readStream(stream, 0, 10))).toHaveLength(2);
      expect(await log.append(stream, 'any', someEvents(1))).toMatchObject({ type: 'appended', revision: 2 });
    } finally {
      next.stop();
    }
  });

  /** Revisions that a tail gives, until it has so many. */
  const tailed = async (count: number, meanwhile: () => Promise<void>, after: Position = START): Promise<readonly number[]> => {
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { events } of log.tail(0, after, { limit: 3, signal: stop.signal })) {
        seen.push(...events.map(({ revision }) => revision));
        if (seen.length >= count) stop.abort();
      }
    })();
    await meanwhile();
    await reading;
    return seen;
  };
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

  it('loses nothing to a tail when its subscription is dropped, or its checkpoints are misplaced', async () => {
    const seen = tailed(40, async () => {
      for (let n = 0; n < 40; n += 1) {
        await log.append(stream, 'any', someEvents(1));
        server.records.statistics();
        if (n % 5 === 2) server.misplaceCheckpoints();
        if (n % 7 === 3) server.dropSubscriptions();
      }
    });
    expect(await seen).toEqual(numbers(40));
  });

  it('tails through an outage', async () => {
    const { records, port } = server;
    const seen = tailed(10, async () => {
      await log.append(stream, 'none', someEvents(5));
      server.stop();
      server = new KurrentProtocolServer(records);
      await server.listen(port);
      await log.append(stream, 'any', someEvents(5));
    });
    expect(await seen).toEqual(numbers(10));
  });

  it('ends at its last event, whatever the server keeps for itself behind it', async () => {
    for (let n = 0; n < 5; n += 1) server.records.statistics();
    expect(await log.head(0)).toBe(START);
    expect(await log.readAll(0, START, 10)).toEqual({ events: [], next: START, atHead: true });
    const result = await log.append(stream, 'none', someEvents(1));
    for (let n = 0; n < 300; n += 1) server.records.statistics();
    expect(result).toMatchObject({ position: await log.head(0) });
    // Full pages of nothing are progress all the same.
    const after = (await log.readAll(0, START, 100)).next;
    expect(after > (await log.head(0))).toBe(true);
    await log.append(stream, 'any', someEvents(1));
    expect(await tailed(1, () => Promise.resolve(), after)).toEqual([1]);
  });

  it('refuses records of somebody else', async () => {
    server.records.append('test-foreign', null, [
      {
        id: '00000000-0000-4000-8000-000000000001',
        type: 'Other',
        contentType: 'application/json',
        data: Buffer.from('{}'),
        metadata: Buffer.from('{}'),
      },
    ]);
    await expect(log.readAll(0, START, 10)).rejects.toThrow('event 0 of stream test-foreign was not written by Tidings');
  });

  it('does not open where nobody answers', async () => {
    await expect(openKurrentLog({ url: 'esdb://127.0.0.1:1?tls=false', tryMs: 500 })).rejects.toBeInstanceOf(LogUnavailable);
  });
});

describe('positions of KurrentDB', () => {
  it('keep commit and prepare, and sort as the log does', () => {
    const places = [
      { commit: 1n, prepare: 1n },
      { commit: 99n, prepare: 12n },
      { commit: 99n, prepare: 13n },
      { commit: 1_000n, prepare: 1_000n },
    ];
    const texts = places.map(textOf);
    expect(texts.toSorted()).toEqual(texts);
    expect(texts.map(allPositionOf)).toEqual(places);
    expect([texts[0]?.length, START < (texts[0] ?? '')]).toEqual([START.length, true]);
    expect(() => textOf({ commit: 10n ** 16n, prepare: 0n })).toThrow(RangeError);
    expect(() => allPositionOf('12' as Position)).toThrow(RangeError);
  });
});
