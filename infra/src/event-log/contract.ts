/** What every event log must do, whatever keeps it. Each adapter's test runs this suite. */
import { derivedId, type EventId, type StreamId } from '@tidings/contracts/ids';
import {
  EventTooLarge,
  MAX_APPEND_EVENTS,
  MAX_EVENT_BYTES,
  Overloaded,
  START,
  type EventLog,
  type LoggedEvent,
  type LogPage,
  type NewEvent,
  type Position,
} from '@tidings/contracts/ports/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** An empty log; `queueLimit` bounds the appends in flight. `close` takes away what was made for it. */
export type OpenLog = (options: { readonly queueLimit?: number; readonly shards?: number }) => Promise<{
  readonly log: EventLog;
  readonly close: () => Promise<void>;
}>;

let made = 0;
/** Events with ids of their own. */
export const someEvents = (count: number, type = 'Happened', data: NewEvent['data'] = { text: 'Grüße, 世界 \u0000 \uD800' }): NewEvent[] =>
  Array.from({ length: count }, () => {
    made += 1;
    return { id: derivedId<EventId>('contract', made), type, version: 1, data: { ...data, made }, meta: { commandId: 'c' } };
  });
const one = (type?: string): NewEvent[] => someEvents(1, type);
const stream = (name: string): StreamId => `test-${name}` as StreamId;

export const eventLogContract = (name: string, open: OpenLog, { sharded = true }: { readonly sharded?: boolean } = {}): void => {
  describe(`${name}: event log contract`, () => {
    let log: EventLog;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ log, close } = await open({}));
    });
    afterEach(() => close());

    const all = async (shard = 0): Promise<readonly LoggedEvent[]> => (await log.readAll(shard, START, 5000)).events;

    describe('append', () => {
      it('gives revisions from 0 and positions in order', async () => {
        const [a, b] = [stream('a'), stream('b')];
        expect(await log.append(a, 'none', someEvents(2))).toMatchObject({ type: 'appended', revision: 1 });
        expect(await log.append(b, 'none', one())).toMatchObject({ type: 'appended', revision: 0 });
        const last = await log.append(a, { revision: 1 }, one());
        expect(last).toMatchObject({ type: 'appended', revision: 2, position: await log.head(0) });
        expect((await all()).map((event) => [event.stream, event.revision])).toEqual([[a, 0], [a, 1], [b, 0], [a, 2]]); // prettier-ignore
      });

      it('keeps every field as given', async () => {
        const [event] = someEvents(1, 'Happened', { nested: { list: [1, 'two', null, true, 1.5e-7] }, odd: '\u0000 \uD800 "\\\n' });
        if (event === undefined) throw new Error('no event');
        const meta = { traceId: 'f'.repeat(32), commandId: 'c', causationId: 'd' };
        const result = await log.append(stream('a'), 'none', [{ ...event, version: 7, meta }]);
        const [read] = await all();
        expect(read).toMatchObject({ ...event, version: 7, meta, stream: stream('a'), shard: 0, revision: 0 });
        expect(result).toMatchObject({ position: read?.position, recordedAt: read?.recordedAt });
        expect(Math.abs(Date.parse(read?.recordedAt ?? '') - Date.now())).toBeLessThan(60_000);
      });

      it.each([
        ['any, no stream', 'any', 0, 'appended'],
        ['any, a stream', 'any', 3, 'appended'],
        ['none, no stream', 'none', 0, 'appended'],
        ['none, a stream', 'none', 3, 'conflict'],
        ['exists, no stream', 'exists', 0, 'conflict'],
        ['exists, a stream', 'exists', 3, 'appended'],
        ['the last revision', { revision: 2 }, 3, 'appended'],
        ['an older revision', { revision: 1 }, 3, 'conflict'],
        ['a later revision', { revision: 3 }, 3, 'conflict'],
        ['a revision, no stream', { revision: 0 }, 0, 'conflict'],
      ] as const)('expecting %s', async (_, expected, held, outcome) => {
        if (held > 0) await log.append(stream('a'), 'none', someEvents(held));
        const result = await log.append(stream('a'), expected, one());
        if (outcome === 'conflict') expect(result).toEqual({ type: 'conflict', current: held === 0 ? null : held - 1 });
        else expect(result).toMatchObject({ type: 'appended', revision: held });
        expect(await all()).toHaveLength(held + (outcome === 'appended' ? 1 : 0));
      });

      it('recognises a retry: same ids where they would have been written', async () => {
        const [begin, more] = [someEvents(3), someEvents(2)];
        const first = await log.append(stream('a'), 'none', begin);
        const second = await log.append(stream('a'), { revision: 2 }, more);
        await log.append(stream('a'), { revision: 4 }, one());
        expect(await log.append(stream('a'), 'none', begin)).toEqual({ ...first, type: 'duplicate' });
        expect(await log.append(stream('a'), { revision: 2 }, more)).toEqual({ ...second, type: 'duplicate' });
        expect(await all()).toHaveLength(6);
      });

      it('takes no half, reordered or misplaced retry for a duplicate', async () => {
        const [x, y, z] = someEvents(3) as [NewEvent, NewEvent, NewEvent];
        await log.append(stream('a'), 'none', [x, y]);
        for (const events of [
          [y, x],
          [x, y, z],
          [x, z],
        ]) {
          expect(await log.append(stream('a'), 'none', events)).toEqual({ type: 'conflict', current: 1 });
        }
        expect(await log.append(stream('a'), { revision: 0 }, [x])).toEqual({ type: 'conflict', current: 1 });
        expect(await log.append(stream('a'), { revision: 0 }, [y])).toMatchObject({ type: 'duplicate', revision: 1 });
      });

      it('refuses events over the limit and takes those at it', async () => {
        const sized = (bytes: number): NewEvent[] => {
          const [event] = someEvents(1, 'Happened', { text: '' });
          if (event === undefined) throw new Error('no event');
          const room = bytes - Buffer.byteLength(JSON.stringify(event.data));
          return [{ ...event, data: { ...event.data, text: 'x'.repeat(room) } }];
        };
        await expect(log.append(stream('a'), 'any', sized(MAX_EVENT_BYTES + 1))).rejects.toThrow(EventTooLarge);
        await log.append(stream('a'), 'none', sized(MAX_EVENT_BYTES));
        expect(await log.readStream(stream('a'), 0, 10)).toHaveLength(1);
      });

      it('refuses what no caller should ask', async () => {
        for (const bad of ['no category', 'a-b\nc', "a-'", 'A-b', 'a-']) {
          await expect(log.append(bad as StreamId, 'any', one())).rejects.toThrow(RangeError);
        }
        await expect(log.append(stream('a'), 'any', [])).rejects.toThrow(RangeError);
        await expect(log.append(stream('a'), 'any', someEvents(MAX_APPEND_EVENTS + 1))).rejects.toThrow(RangeError);
        await expect(log.append(stream('a'), 'any', [{ ...one()[0], id: 'x' } as NewEvent])).rejects.toThrow(RangeError);
        expect(await log.append(stream('a'), 'any', someEvents(MAX_APPEND_EVENTS))).toMatchObject({ type: 'appended' });
      });

      it('says how far streams are, where it can say so at one look', async () => {
        await log.append(stream('a'), 'none', someEvents(3));
        await log.append(stream('b'), 'none', one());
        const known = new Map([
          [stream('a'), 2],
          [stream('b'), 0],
        ]);
        const revisions = await log.revisions?.([stream('a'), stream('b'), stream('nobody')]);
        expect(revisions ?? known).toEqual(known);
      });

      it('lets one of many racing for a stream win, and says so to each', async () => {
        const results = await Promise.all(Array.from({ length: 50 }, () => log.append(stream('a'), 'none', one())));
        expect(results.filter(({ type }) => type === 'appended')).toHaveLength(1);
        expect(results.filter(({ type }) => type === 'conflict')).toHaveLength(49);
      });

      it('gives each of many callers its own verdict and keeps the order of each stream', async () => {
        const results = await Promise.all(
          Array.from({ length: 600 }, async (_, n) => {
            const name = stream(`s${n % 60}`);
            const fine = n % 7 !== 0;
            return { fine, result: await log.append(name, fine ? 'any' : { revision: 1000 }, one()) };
          }),
        );
        for (const { fine, result } of results) expect(result.type).toBe(fine ? 'appended' : 'conflict');
        const events = await all();
        expect(events).toHaveLength(results.filter(({ fine }) => fine).length);
        expect(new Set(events.map(({ position }) => position)).size).toBe(events.length);
        for (let n = 0; n < 60; n += 1) {
          const own = events.filter((event) => event.stream === stream(`s${n}`));
          expect(own.map(({ revision }) => revision)).toEqual(own.map((_, index) => index));
          const written = own.map(({ data }) => data['made'] as number);
          expect(written).toEqual(written.toSorted((a, b) => a - b)); // in the order they were asked for
        }
      });

      it('never lets recorded time go back', async () => {
        for (let n = 0; n < 20; n += 1) await log.append(stream(`s${n % 3}`), 'any', someEvents(3));
        const times = (await all()).map(({ recordedAt }) => recordedAt);
        expect(times).toEqual(times.toSorted());
      });
    });

    it('answers Overloaded beyond its bound, having written nothing for those', async () => {
      const small = await open({ queueLimit: 10 });
      try {
        const tries = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => small.log.append(stream(`s${n}`), 'none', one())));
        const refused = tries.filter((result) => result.status === 'rejected');
        expect(refused.length).toBeGreaterThan(0);
        for (const { reason } of refused) expect(reason).toBeInstanceOf(Overloaded);
        expect((await small.log.readAll(0, START, 500)).events).toHaveLength(200 - refused.length);
        expect(await small.log.append(stream('later'), 'none', one())).toMatchObject({ type: 'appended' });
      } finally {
        await small.close();
      }
    });

    describe('reading', () => {
      it('finds nothing in an empty log', async () => {
        expect(await log.head(0)).toBe(START);
        expect(await log.readAll(0, START, 10)).toEqual({ events: [], next: START, atHead: true });
        expect(await log.readStream(stream('a'), 0, 10)).toEqual([]);
      });

      it('reads a stream from a revision, up to a limit', async () => {
        await log.append(stream('a'), 'none', someEvents(5));
        await log.append(stream('ab'), 'none', someEvents(5)); // a name that begins alike
        const revisions = async (from: number, limit: number) =>
          (await log.readStream(stream('a'), from, limit)).map(({ revision }) => revision);
        expect(await revisions(0, 100)).toEqual([0, 1, 2, 3, 4]);
        expect(await revisions(1, 2)).toEqual([1, 2]);
        expect(await revisions(5, 2)).toEqual([]);
      });

      it('pages through all events, each once', async () => {
        for (let n = 0; n < 7; n += 1) await log.append(stream(`s${n}`), 'none', someEvents(5));
        const pages: LogPage[] = [];
        let after: Position = START;
        do {
          pages.push(await log.readAll(0, after, 8));
          after = pages.at(-1)?.next ?? START;
        } while (pages.at(-1)?.atHead === false);
        expect(pages.flatMap(({ events }) => events)).toEqual(await all());
        expect(after).toBe(await log.head(0));
        expect(await log.readAll(0, after, 8)).toEqual({ events: [], next: after, atHead: true });
      });

      it('reads single events by their positions', async () => {
        await log.append(stream('a'), 'any', someEvents(5));
        await log.append(stream('b'), 'any', someEvents(5));
        const events = await all();
        const some = [events[7], events[1], events[4]].flatMap((event) => event ?? []);
        expect(await log.readAt(0, [...some.map(({ position }) => position), '0000000000000099' as Position])).toEqual([
          events[1],
          events[4],
          events[7],
        ]);
        expect(await log.readAt(0, [])).toEqual([]);
      });

      it('filters by type and moves past what it leaves out', async () => {
        await log.append(stream('a'), 'none', [...one('Wanted'), ...someEvents(6, 'Other'), ...one('Wanted')]);
        const filter = { types: ['Wanted', 'AlsoWanted'] };
        const wanted: LoggedEvent[] = [];
        let page = await log.readAll(0, START, 3, filter);
        for (let n = 0; n < 20; n += 1) {
          wanted.push(...page.events);
          if (page.atHead) break;
          const { next } = page;
          page = await log.readAll(0, next, 3, filter);
          expect(page.next > next).toBe(true);
        }
        expect(wanted.map(({ revision }) => revision)).toEqual([0, 7]);
        expect(page.next).toBe(await log.head(0));
      });

      it('measures distances', async () => {
        const first = await log.append(stream('a'), 'none', one());
        await log.append(stream('b'), 'none', someEvents(4));
        const from = first.type === 'appended' ? first.position : START;
        expect([null, 4]).toContain(log.distance(from, await log.head(0)));
      });
    });

    describe('tail', () => {
      const until = async (count: number, pages: AsyncIterable<LogPage>, stop: AbortController): Promise<readonly LoggedEvent[]> => {
        const seen: LoggedEvent[] = [];
        for await (const page of pages) {
          seen.push(...page.events);
          if (seen.length >= count) stop.abort();
        }
        return seen;
      };

      it('gives what is there and what comes, in order, and ends on abort', async () => {
        await log.append(stream('a'), 'none', someEvents(5));
        const stop = new AbortController();
        const seen = until(45, log.tail(0, START, { limit: 4, signal: stop.signal }), stop);
        for (let n = 0; n < 40; n += 1) await log.append(stream(`s${n % 4}`), 'any', one());
        expect(await seen).toEqual(await all());
      });

      it('resumes after a position, with a filter', async () => {
        await log.append(stream('a'), 'none', someEvents(5, 'Wanted'));
        const [, second] = await all();
        const stop = new AbortController();
        const options = { limit: 10, signal: stop.signal, filter: { types: ['Wanted'] } };
        const seen = until(4, log.tail(0, second?.position ?? START, options), stop);
        await log.append(stream('b'), 'none', someEvents(3, 'Other'));
        await log.append(stream('b'), 'any', one('Wanted'));
        expect((await seen).map(({ type, revision }) => [type, revision])).toEqual([['Wanted', 2], ['Wanted', 3], ['Wanted', 4], ['Wanted', 3]]); // prettier-ignore
      });

      it('ends at once when aborted while it waits, and when the log closes', async () => {
        const stop = new AbortController();
        const waiting = until(1, log.tail(0, START, { limit: 10, signal: stop.signal }), stop);
        setImmediate(() => stop.abort());
        expect(await waiting).toEqual([]);
        const other = await open({});
        const left = until(1, other.log.tail(0, START, { limit: 10, signal: new AbortController().signal }), stop);
        await other.close();
        expect(await left).toEqual([]);
      });

      it('serves many readers under concurrent appends: each sees every event once, in order', async () => {
        const readers = Array.from({ length: 3 }, () => {
          const own = new AbortController();
          return until(400, log.tail(0, START, { limit: 37, signal: own.signal }), own);
        });
        await Promise.all(Array.from({ length: 200 }, (_, n) => log.append(stream(`s${n % 23}`), 'any', someEvents(2))));
        const expected = await all();
        for (const seen of await Promise.all(readers)) expect(seen).toEqual(expected);
      }, 60_000);
    });

    if (!sharded) return;
    it('keeps streams with the same key in one shard', async () => {
      const sharded = await open({ shards: 4 });
      try {
        expect(sharded.log.shards).toEqual([0, 1, 2, 3]);
        for (let n = 0; n < 20; n += 1) {
          await sharded.log.append(`room-${n}` as StreamId, 'none', one());
          await sharded.log.append(`message-${n}.x` as StreamId, 'none', one());
        }
        const pages = await Promise.all(sharded.log.shards.map((shard) => sharded.log.readAll(shard, START, 100)));
        expect(pages.flatMap(({ events }) => events)).toHaveLength(40);
        expect(pages.filter(({ events }) => events.length > 0).length).toBeGreaterThan(1);
        for (const { events } of pages) {
          const keys = events.map((event) => event.stream.replace(/^\w+-(\d+).*$/, '$1'));
          expect(keys.filter((key, index) => keys.indexOf(key) === index)).toHaveLength(keys.length / 2);
        }
      } finally {
        await sharded.close();
      }
    });
  });
};
