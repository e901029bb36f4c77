/**
 * Rooms with many members online: how many deliveries a second, each message to everyone's SSE, and how long the last member waits for one.
 * Baseline: a bare `node:http` server that writes the same frames to as many streams, under the same load.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fork } from 'node:child_process';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { type CommandId, derivedId, type RoomId, streamId, type UserId } from '@tidings/contracts/ids';
import { MAX_APPEND_EVENTS } from '@tidings/contracts/ports/event-log';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { createEventStore } from '@tidings/infra/event-store/store';
import { memorySubjectKeys } from '@tidings/infra/subject-keys/memory';
import type { Program } from '../tests/kit/program.ts';
import { answerOf, inProcess, type Talker, withTalkers } from './chat-program.ts';
import type { FanOutLoad, FanOutResult } from './fan-out-load.ts';
import type { Bench, Figure } from './harness.ts';

const SIZES = (process.env['BENCH_MEMBERS'] ?? '10,100,1000,5000').split(',').map(Number);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 10);
/** Those a room may begin with; the others join. */
const FOUNDERS = 1000;
/** From here on it is the deliveries that cost, not the messages. */
const MANY = 100;

export const fanOutBench: Bench = {
  name: 'fan-out',
  run: (say) =>
    withTalkers(Math.max(...SIZES), async (program, talkers) => {
      await introduce(program.httpUrl, talkers);
      const figures: Figure[] = [];
      for (const size of SIZES) {
        const members = talkers.slice(0, size);
        const roomId = await makeRoom(program, members);
        const order = {
          tokens: members.map(({ token }) => token),
          pace: Math.min(50, Math.max(1, 5000 / size)),
          window: Math.min(200, Math.max(4, Math.round(20_000 / size))),
          seconds: SECONDS,
        };
        const ours = await measure({
          ...order,
          streams: `${program.httpUrl}/api/sse`,
          say: { type: 'message', url: `${program.httpUrl}/api/send-msg`, roomId },
        });
        say(`${size} members: ${described(ours)}`);
        const bare = await measureBare(order, ours.sample);
        say(`${size} members, bare: ${described(bare)}`);
        figures.push(...figuresOf(size, ours, bare));
      }
      return figures;
    }),
};

const measure = (load: FanOutLoad): Promise<FanOutResult> => inProcess(new URL('./fan-out-load.ts', import.meta.url), load);

const measureBare = async (order: Pick<FanOutLoad, 'tokens' | 'pace' | 'window' | 'seconds'>, sample: string): Promise<FanOutResult> => {
  const server = fork(new URL('./fan-out-server.ts', import.meta.url));
  try {
    const url = `http://127.0.0.1:${await answerOf<number>(server)}/`;
    return await measure({ ...order, streams: url, say: { type: 'frame', url, sample } });
  } finally {
    server.kill();
  }
};

const described = ({ deliveriesPerSecond, last, messages, missing, failed }: FanOutResult): string =>
  `${deliveriesPerSecond.toFixed(0)} deliveries/s; last member p50 ${last.p50.toFixed(1)} ms, p99 ${last.p99.toFixed(1)} ms of ${last.samples}; ${messages} messages, ${missing} deliveries missing, ${failed} failed sends`;

const figuresOf = (size: number, ours: FanOutResult, bare: FanOutResult): readonly Figure[] => [
  {
    what: `fan-out to ${size.toLocaleString('en-US')} online members`,
    unit: 'deliveries/s',
    value: ours.missing === 0 && ours.failed === 0 ? ours.deliveriesPerSecond : 0,
    must: size >= MANY ? { atLeast: 25_000 } : null,
    baseline: { what: 'bare node:http', value: bare.deliveriesPerSecond },
    note: `${ours.messages} messages of ${ours.sample.length} bytes${size >= MANY ? '' : '; what limits it is sending'}`,
  },
  {
    what: '… last member has it, p99',
    unit: 'ms',
    value: ours.last.p99,
    must: null,
    baseline: { what: 'bare node:http, ms', value: bare.last.p99 },
    note: `${ours.last.samples} messages at an easy pace; p50 ${ours.last.p50.toFixed(1)} ms (bare ${bare.last.p50.toFixed(1)} ms)`,
  },
];

const AT_ONCE = 50;

/** Everyone calls once: the first valid token makes a user. */
const introduce = async (url: string, talkers: readonly Talker[]): Promise<void> => {
  const waiting = talkers.values();
  const callAll = async (): Promise<void> => {
    for (const { token } of waiting) await call(url, 'GET', '/api/rooms', token);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, callAll));
};

/** As many as may be are invited at once; the joining of all others is written to the log, since invitations are one call each. */
const makeRoom = async ({ httpUrl, running }: Program, members: readonly Talker[]): Promise<RoomId> => {
  const [first] = members;
  const last = members.at(-1);
  if (first === undefined || last === undefined || running.embeddedUrl === null)
    throw new Error('a room needs people, and its own Postgres');
  const invitedUsers = members.slice(0, FOUNDERS).map(({ id }) => id);
  const made = await call(httpUrl, 'POST', '/api/rooms/create-room', first.token, {
    roomType: 'Group',
    roomName: 'Everyone',
    invitedUsers,
  });
  const roomId = (made as { readonly id: RoomId }).id; // our own answer
  const joins = members.slice(FOUNDERS).map((member): TidingsEvent => ({
    type: 'RoomJoined',
    data: { roomId, userId: member.id as UserId, invitedBy: first.id as UserId }, // random UUIDs of ours
  }));
  if (joins.length === 0) return roomId;
  const log = await openPostgresLog({ url: running.embeddedUrl });
  try {
    const store = createEventStore(log, memorySubjectKeys()); // nothing in a `RoomJoined` is sealed
    for (let at = 0; at < joins.length; at += MAX_APPEND_EVENTS) {
      const context = { commandId: derivedId<CommandId>('bench-join', roomId, at) };
      await store.append(streamId('room', roomId), 'exists', joins.slice(at, at + MAX_APPEND_EVENTS), context);
    }
  } finally {
    await log.close();
  }
  while (!JSON.stringify(await call(httpUrl, 'GET', '/api/rooms', last.token)).includes(roomId)) await sleep(100);
  return roomId;
};

/** @throws for any answer but success */
const call = async (url: string, method: string, path: string, token: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
};
