/**
 * A crowd that comes back: 5,000 streams of 500 people in one group open at once with `Last-Event-ID`, as after a restart of a proxy, and are told
 * what was said meanwhile. Time until the last one has all of it, each event once and in order.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { CameBack, Crowd } from '../services/sse/src/testing/reconnecting.ts';
import { ask, askJson, foundTown, type Person } from '../tests/acceptance/town.ts';
import { startProgram, type Program } from '../tests/kit/program.ts';
import type { Bench } from './harness.ts';

const STREAMS = 5_000;
const PEOPLE = 500;
const MISSED = 20;

export const sseReconnectBench: Bench = {
  name: 'sse-reconnect',
  run: async (say) => {
    const town = await foundTown('Crowd', PEOPLE);
    const program = await startProgram({ env: { OIDC_ISSUER: town.issuer.url, RATE_LIMITS: 'off' } });
    try {
      const { lastEventId, missed } = await talkMeanwhile(program, town.people);
      const tokens = town.people.map(({ token }) => token);
      const { seconds, wrong } = await comeBack({ url: program.httpUrl, tokens, streams: STREAMS, lastEventId, missed });
      say(`${STREAMS} streams have ${missed.length} missed events each after ${seconds.toFixed(2)} s; ${wrong} of them wrong`);
      return [
        {
          what: '5,000 live streams reconnecting at once with Last-Event-ID: until all have what they missed',
          unit: 's',
          value: wrong === 0 ? seconds : Number.POSITIVE_INFINITY,
          baseline: null,
          must: { atMost: 10 },
          note: `${PEOPLE} people in one group, ${missed.length} events missed by each stream, ${wrong} streams told wrongly`,
        },
      ];
    } finally {
      await program.stop();
      await town.issuer.close();
    }
  },
};

/** Where everyone was, and the ids of what was said since. */
const talkMeanwhile = async (program: Program, people: readonly Person[]): Promise<Pick<Crowd, 'lastEventId' | 'missed'>> => {
  const [speaker] = people;
  if (speaker === undefined) throw new Error('a crowd has people');
  for (let at = 0; at < people.length; at += 25) await Promise.all(people.slice(at, at + 25).map((one) => ask(program, one, '/api/rooms')));
  const room = await askJson<ChatRoom>(program, speaker, '/api/rooms/create-room', {
    body: { roomType: 'Group', roomName: 'Crowd', invitedUsers: people.map(({ id }) => id) },
  });
  const { cursor: lastEventId } = await askJson<{ cursor: string }>(program, speaker, '/api/snapshot', { method: 'POST' });
  for (let n = 0; n < MISSED; n += 1) {
    await askJson<Message>(program, speaker, '/api/send-msg', { body: { chatRoomId: room.id, msgBody: { text: `missed ${n}` } } });
  }
  const { events } = await askJson<{ events: readonly { id: string }[] }>(program, speaker, `/api/sync?after=${lastEventId}&limit=500`);
  return { lastEventId, missed: events.map(({ id }) => id) };
};

const comeBack = async (crowd: Crowd): Promise<CameBack> => {
  const child = fork(new URL('./sse-reconnect-clients.ts', import.meta.url));
  child.send(crowd);
  const [outcome] = (await once(child, 'message')) as [CameBack];
  child.kill();
  return outcome;
};
