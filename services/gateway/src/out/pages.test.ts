import type { EventType } from '@tidings/contracts/events/index';
import type { EventId } from '@tidings/contracts/ids';
import { streamId } from '@tidings/contracts/ids';
import { type EventLog, type LoggedEvent, type Position, START } from '@tidings/contracts/ports/event-log';
import { openMemoryLog } from '@tidings/infra/event-log/memory/memory-log';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outPages } from './pages.ts';

let log: EventLog;
let stop: AbortController;
beforeEach(() => {
  log = openMemoryLog();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await log.close();
});

const append = async (...types: readonly EventType[]): Promise<void> => {
  for (const type of types) {
    await log.append(streamId('test', randomUUID()), 'none', [{ id: randomUUID() as EventId, type, version: 1, data: {}, meta: {} }]);
  }
};

/** What is read up to the head, by type and number; `told` says from which position on somebody is told. */
const read = async (told: (asOf: Position) => boolean, isLast: (event: LoggedEvent) => boolean): Promise<readonly string[]> => {
  const turn = { shard: 0, position: START };
  const seen: string[] = [];
  const types: readonly EventType[] = ['MessageSent', 'MailPolicySet', 'RoomRead'];
  const isAnybodyTold = async (asOf: Position): Promise<boolean> => told(asOf);
  for await (const { page } of outPages({ log, types, limit: 3, isAnybodyTold, lookMs: 0 }, turn, stop.signal)) {
    seen.push(...page.events.map(({ type, position }) => `${type} ${Number(position)}`));
    turn.position = page.next;
    if (page.events.some(isLast)) break;
  }
  return seen;
};

describe('pages of the way out', () => {
  it('have no messages while nobody is told', async () => {
    await append('MessageSent', 'MessageSent', 'RoomRead', 'MessageSent', 'RoomRead');

    expect(
      await read(
        () => false,
        ({ position }) => Number(position) === 5,
      ),
    ).toEqual(['RoomRead 3', 'RoomRead 5']);
  });

  it('have each message behind the first wish for mail, once', async () => {
    await append('MessageSent', 'RoomRead', 'MailPolicySet', 'MessageSent', 'MessageSent', 'RoomRead');
    const seen = await read(
      (asOf) => Number(asOf) >= 3,
      ({ type, position }) => type === 'RoomRead' && Number(position) === 6,
    );

    expect(seen.filter((one) => !one.endsWith(' 1'))).toEqual([
      'RoomRead 2',
      'MailPolicySet 3',
      'MessageSent 4',
      'MessageSent 5',
      'RoomRead 6',
    ]);
  });

  it('pass by a wish that leaves everybody untold', async () => {
    await append('MailPolicySet', 'MessageSent', 'RoomRead');

    expect(
      await read(
        () => false,
        ({ type }) => type === 'RoomRead',
      ),
    ).toEqual(['MailPolicySet 1', 'RoomRead 3']);
  });

  it('wake for somebody who begins to take part by mail, which is none of their own events', async () => {
    await append('ReplyAddressIssued', 'MessageSent');

    expect(
      await read(
        (asOf) => Number(asOf) >= 1,
        ({ type }) => type === 'MessageSent',
      ),
    ).toEqual(['MessageSent 2']);
  });

  it('have no messages again once nobody is told any more', async () => {
    await append('MessageSent', 'RoomRead');
    let looks = 0;
    const reading = read(
      () => (looks += 1) === 1,
      ({ position }) => Number(position) === 4,
    );
    await expect.poll(() => looks).toBe(2);
    await append('MessageSent', 'RoomRead');

    expect(await reading).toEqual(['MessageSent 1', 'RoomRead 2', 'RoomRead 4']);
  });
});
