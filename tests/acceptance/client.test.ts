/** The typed client against the running program, by fetch and by EventSource, while the program and the tokens come and go. */
import { type Client, createClient } from '@tidings/contracts/client/client';
import { type EventsOptions, liveEvents } from '@tidings/contracts/client/events';
import { TestEventSource } from '@tidings/contracts/client/testing/event-source';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Program, startProgram } from '../kit/program.ts';
import { foundTown, type Person, type Town } from './town.ts';

let dataDir: string;
let town: Town;
let program: Program;
let roomId: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-client-'));
  town = await foundTown('Client', 2);
  await start();
  await Promise.all([clientOf(ada()).getMe(), clientOf(ben()).getMe()]);
  roomId = (await clientOf(ada()).createRoom({ body: { roomType: 'Group', invitedUsers: [ada().id, ben().id] } })).id;
});
afterEach(async () => {
  await Promise.all(ears.splice(0).map((ear) => ear.close()));
});
afterAll(async () => {
  await program.stop();
  await town.issuer.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const start = async (): Promise<void> => {
  program = await startProgram({ dataDir, env: { OIDC_ISSUER: town.issuer.url } });
};
const ada = (): Person => town.admin;
const ben = (): Person => town.people[1] ?? town.admin;
/** A program that starts anew is on another port. */
const at = (token: EventsOptions['token']) => ({
  get baseUrl() {
    return program.httpUrl;
  },
  token,
  retryForMs: 60_000,
});
const clientOf = ({ token }: Person): Client => createClient(at(() => token));
const say = (by: Person, text: string) => clientOf(by).sendMessage({ body: { chatRoomId: roomId, msgBody: { text } } });

/** Hears the texts of the room. */
interface Ear {
  readonly texts: readonly string[];
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}
const ears: Ear[] = [];
const listen = async (token: EventsOptions['token'], through: Pick<EventsOptions, 'EventSource'>): Promise<Ear> => {
  const texts: string[] = [];
  const end = new AbortController();
  const opened = Promise.withResolvers<void>();
  let connections = 0;
  const onOpen = (): void => {
    connections += 1;
    opened.resolve();
  };
  const heard = (async () => {
    const options = Object.assign(at(token), { signal: end.signal, onOpen, ...through }); // a spread of `at` would freeze the address
    for await (const { event } of liveEvents(options)) {
      if (event?.type === 'Resync') throw new Error('told to load afresh');
      if (event?.type === 'ChatMessage' && 'text' in event.message.msgBody) texts.push(event.message.msgBody.text);
    }
  })();
  heard.catch(opened.reject);
  const close = async (): Promise<void> => {
    end.abort();
    await heard;
  };
  const ear = { texts, connections: () => connections, close };
  ears.push(ear);
  await opened.promise;
  return ear;
};
const expectHeard = async (ear: Ear, texts: readonly string[]): Promise<void> => {
  await expect.poll(() => ear.texts, { timeout: 30_000, interval: 10 }).toEqual(texts);
};

describe.each<[string, Pick<EventsOptions, 'EventSource'>]>([
  ['fetch', {}],
  ['an EventSource and its tickets', { EventSource: TestEventSource }],
])('the live stream by %s', (_, through) => {
  it('tells everything once and in order over a power cut', async () => {
    const ear = await listen(() => ben().token, through);
    await say(ada(), 'one');
    await expectHeard(ear, ['one']);
    await say(ada(), 'two');
    await program.kill9();
    await start();
    await say(ada(), 'three');
    await expectHeard(ear, ['one', 'two', 'three']);
    await say(ada(), 'four');
    await expectHeard(ear, ['one', 'two', 'three', 'four']);
  }, 60_000);

  it('goes on with a new token where the old one ends', async () => {
    const { id: sub, name } = ben();
    const ear = await listen(() => town.issuer.token({ sub, name }, 4), through);
    await say(ada(), 'before');
    await expect.poll(() => ear.connections(), { timeout: 30_000, interval: 50 }).toBeGreaterThan(1);
    await say(ada(), 'after');
    await expectHeard(ear, ['before', 'after']);
  }, 60_000);
});

it('says something once though the program is gone as it is said', async () => {
  const said = say(ada(), 'through the storm');
  await program.kill9();
  const gone = say(ada(), 'into the storm');
  await start();
  const messages = [await said, await gone];
  const timeline = await clientOf(ben()).getTimeline({ params: { roomId } });
  const texts = messages.map(({ messageId }) => timeline.filter((shown) => shown.messageId === messageId));
  expect(texts.map(({ length }) => length)).toEqual([1, 1]);
  expect(timeline.filter(({ msgBody }) => 'text' in msgBody && /storm/.test(msgBody.text))).toHaveLength(2);
}, 60_000);
