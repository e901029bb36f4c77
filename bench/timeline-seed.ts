/** Fills a log with rooms and messages, then has the read models of a bench built from it; in a process of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { type CommandId, derivedId, type MessageId, type RoomId, streamId, type UserId } from '@tidings/contracts/ids';
import type { EventLog } from '@tidings/contracts/ports/event-log';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import type { EventStore } from '@tidings/infra/event-store/event-store';
import { createEventStore } from '@tidings/infra/event-store/store';
import { openPool } from '@tidings/infra/postgres/pools';
import { startProjector } from '@tidings/infra/projector/projector';
import { instances } from '@tidings/infra/projector/registry';
import { inProcessSignals } from '@tidings/infra/signals/in-process';
import { postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { mailboxes } from '@tidings/projections/mailboxes/index';
import { readStates } from '@tidings/projections/read-states/index';
import { relationships } from '@tidings/projections/relationships/index';
import { rooms } from '@tidings/projections/rooms/index';
import { timeline } from '@tidings/projections/timeline/index';
import { userFacts } from '@tidings/projections/user-facts/index';
import { users } from '@tidings/projections/users/index';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { migrate } from '../services/cli/src/migrate.ts';

export interface SeedOrder {
  readonly url: string;
  readonly rooms: number;
  readonly messages: number;
  /** In a hundred of the rooms, or all. */
  readonly reader: UserId;
  /** In every room. */
  readonly everywhere: UserId;
  /** Who writes all messages; without one, two hundred people do. */
  readonly author?: UserId;
  /** What is built from the log. */
  readonly models: keyof typeof MODELS;
}

export const roomAt = (n: number): RoomId => derivedId<RoomId>('bench-room', n);
export const messageAt = (n: number): MessageId => derivedId<MessageId>('bench-message', n);
/** The hundredth part of many rooms, spread evenly. */
export const isReaders = (room: number, of: number): boolean => of <= 100 || room % (of / 100) < 1;

/** Every so many messages, one has a reaction. */
const REACTED = 7;
/** Appends under way. */
const FEW = 8;
const MANY = 2_000;
const WATCH_MS = 100;
const MODELS = {
  timeline: [users, relationships, rooms, readStates, timeline],
  export: [users, relationships, rooms, mailboxes, userFacts],
} as const;
const talkers = Array.from({ length: 200 }, (_, n) => derivedId<UserId>('bench-talker', n));

type Written = readonly [stream: string, key: string, event: TidingsEvent];

const people = function* ({ reader, everywhere }: SeedOrder): Generator<Written> {
  for (const [n, userId] of [reader, everywhere, ...talkers].entries())
    yield ['user', userId, { type: 'UserRegistered', data: { userId, displayName: `Person ${n}`, email: null, role: 'USER' } }];
};

const events = function* ({ reader, everywhere, ...order }: SeedOrder): Generator<Written> {
  for (let n = 0; n < order.rooms; n++) {
    const members = [everywhere, ...(isReaders(n, order.rooms) ? [reader] : []), ...talkers.slice(n % 190, (n % 190) + 10)];
    yield [
      'room',
      roomAt(n),
      {
        type: 'RoomCreated',
        data: {
          roomId: roomAt(n),
          roomType: 'Group',
          name: `Room ${n}`,
          createdBy: members[members.length - 1 - (n % 10)] ?? everywhere,
          members,
        },
      },
    ];
  }
  for (let n = 0; n < order.messages; n++) {
    const room = n % order.rooms;
    const [roomId, messageId, senderId] = [roomAt(room), messageAt(n), order.author ?? talkers[(room % 190) + (n % 10)] ?? everywhere];
    const text = `Message ${n}: ${'lorem ipsum dolor sit amet '.repeat(1 + (n % 8))}`;
    yield [
      'message',
      `${roomId}.${messageId}`,
      { type: 'MessageSent', data: { roomId, messageId, senderId, body: { type: 'Text', text }, mentions: [], threadId: null } },
    ];
    if (n % REACTED !== 0) continue;
    yield [
      'reaction',
      `${roomId}.${messageId}.${everywhere}`,
      { type: 'ReactionAdded', data: { roomId, messageId, userId: everywhere, emoji: '👍' } },
    ];
  }
};

const write = async (store: EventStore, events: Generator<Written>, inFlight: number): Promise<void> => {
  const writer = async (): Promise<void> => {
    for (const [category, key, event] of events)
      await store.append(streamId(category, key), 'any', [event], { commandId: derivedId<CommandId>('bench', category, key) });
  };
  await Promise.all(Array.from({ length: inFlight }, writer));
};

const build = async ({ url, models }: SeedOrder, log: EventLog, store: EventStore, pool: Pool): Promise<void> => {
  const projections = MODELS[models];
  const signals = inProcessSignals();
  const logger = pino({ level: 'warn' });
  const building = openPool({ url, name: 'bench projector', max: 3 * projections.length, logger });
  const projector = await startProjector({ pool: building, log, events: store, projections, signals, logger });
  const head = await log.head(0);
  const isDone = async (): Promise<boolean> => {
    const { rows } = await pool.query<{ position: string }>('select position from projection.checkpoint');
    const isThere = rows.filter(({ position }) => position >= head).length === projections.length;
    return isThere && (await instances(pool)).every(({ hasIndexes }) => hasIndexes);
  };
  while (!(await isDone())) await sleep(WATCH_MS);
  await projector.stop();
  await signals.close();
  await building.end();
};

const run = async (order: SeedOrder): Promise<{ readonly fillMs: number; readonly buildMs: number }> => {
  const { url } = order;
  const logger = pino({ level: 'warn' });
  await migrate(url, logger);
  const pool = openPool({ url, name: 'bench seed', max: 8, logger });
  const log = await openPostgresLog({ url });
  const store = createEventStore(log, postgresSubjectKeys({ pool }));
  const start = performance.now();
  await write(store, people(order), FEW); // their keys are made one by one, and known from then on
  await write(store, events(order), MANY);
  const filled = performance.now();
  await build(order, log, store, pool);
  const built = performance.now();
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
  await log.close();
  await pool.end();
  return { fillMs: filled - start, buildMs: built - filled };
};

process.once('message', (order: SeedOrder) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});
