import type { StreamId } from '@tidings/contracts/ids';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import { someEvents } from '@tidings/infra/event-log/contract';
import { openMemoryLog } from '@tidings/infra/event-log/memory/memory-log';
import type { KafkaRecord } from '@tidings/infra/kafka/producer';
import { relayedIn } from '@tidings/infra/kafka/relayed';
import { describe, expect, it } from 'vitest';
import { relay } from './index.ts';

const turnAt = (position: Position, signal: AbortSignal, commit: (to: Position) => Promise<void>) => ({
  ...{ shard: 0, position, signal, commit },
  report: () => undefined,
});

describe('the relay', () => {
  it('publishes every event in order, and again from its checkpoint when it was interrupted', async () => {
    const log = openMemoryLog();
    for (let n = 0; n < 60; n += 1) await log.append(`room-${n % 7}` as StreamId, 'any', someEvents(20));
    const sent: KafkaRecord[] = [];
    let checkpoint = START;
    let turns = 0;
    const stop = new AbortController();
    const head = await log.head(0);
    while (checkpoint < head) {
      turns += 1;
      let sends = 0;
      const producer = {
        send: (_: string, records: readonly KafkaRecord[]): Promise<void> => {
          sends += 1;
          sent.push(...records); // they may have come to be there, whatever is answered
          return turns < 3 && sends === 2 ? Promise.reject(new Error('the broker is away')) : Promise.resolve();
        },
      };
      const commit = (to: Position): Promise<void> => {
        checkpoint = to;
        if (to === head) stop.abort();
        return Promise.resolve();
      };
      const parts = { log, producer, topic: 'log', measures: { sent: () => undefined } };
      await relay(parts)(turnAt(checkpoint, stop.signal, commit)).catch((error: unknown) =>
        expect(error).toMatchObject({ message: 'the broker is away' }),
      );
    }
    const { events } = await log.readAll(0, START, 2_000);
    expect([turns, events.length]).toEqual([3, 1_200]);
    expect(sent.length).toBeGreaterThan(1_200);
    const relayed = sent.map(({ value }) => relayedIn(Buffer.from(value)));
    const first = relayed.filter((one, at) => relayed.findIndex((other) => other?.event.position === one?.event.position) === at);
    expect(first.map((one) => one?.event)).toEqual(events);
    for (const one of relayed)
      expect(one?.previous).toBe(events[events.findIndex(({ id }) => id === one?.event.id) - 1]?.position ?? START);
    await log.close();
  });

  it('sends no batch that a broker would refuse as too large', async () => {
    const log = openMemoryLog();
    const large = { text: 'x'.repeat(200_000) };
    await log.append('room-1' as StreamId, 'none', someEvents(10, 'Happened', large));
    const stop = new AbortController();
    const sizes: number[] = [];
    const producer = {
      send: (_: string, records: readonly KafkaRecord[]): Promise<void> => {
        sizes.push(records.reduce((sum, { value }) => sum + value.length, 0));
        return Promise.resolve();
      },
    };
    const parts = { log, producer, topic: 'log', measures: { sent: () => undefined } };
    await relay(parts)(turnAt(START, stop.signal, () => Promise.resolve(stop.abort())));
    expect(sizes.length).toBe(4);
    expect(Math.max(...sizes)).toBeLessThan(900_000);
    await log.close();
  });
});
