/** The running program as a client of ISM meets it: real tokens of a real issuer, HTTP and the live stream, and nothing else. */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { expect } from 'vitest';
import { Listening } from '../../../services/sse/src/testing/listening.ts';
import { startIssuer, type TestIssuer } from '../../kit/issuer.ts';
import type { ReachableProgram } from '../../kit/program-holder.ts';
import { startProgram } from '../../kit/program.ts';
import { type Shared, sharedProgram } from '../../kit/shared-program.ts';
import { uuidOf } from '../town.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The body as JSON; throws for an empty one. */
  readonly json: <A>() => A;
  readonly headers: Headers;
}

export interface Client {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly get: (path: string) => Promise<Answer>;
  readonly post: (path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly patch: (path: string, body: unknown) => Promise<Answer>;
  readonly remove: (path: string) => Promise<Answer>;
  readonly listen: () => Promise<Ear>;
}

/** A live stream that can be asked what it was told so far. */
export interface Ear {
  /** The events since it was asked last, without those of the room that the question itself takes. */
  readonly heard: () => Promise<readonly LiveEvent[]>;
  /** The types of them. */
  readonly types: () => Promise<readonly string[]>;
  readonly close: () => void;
}
export interface LiveEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Ism<Name extends string> {
  readonly program: ReachableProgram;
  readonly issuer: TestIssuer;
  readonly as: Readonly<Record<Name, Client>>;
  /** Someone new, whom the program meets with this. */
  readonly meet: (name: string) => Promise<Client>;
  readonly close: () => Promise<void>;
}

/** The people are known to the program when this returns. */
export const startIsm = async <Name extends string>(
  env: Readonly<Record<string, string>>,
  ...names: readonly Name[]
): Promise<Ism<Name>> => {
  const issuer = await startIssuer();
  const program = await startProgram({ env: { OIDC_ISSUER: issuer.url, ...env } });
  const ism = await settle({ program, issuer }, 'ism', names);
  return {
    ...ism,
    close: async () => {
      await ism.close();
      await program.stop();
      await issuer.close();
    },
  };
};

/** In the program that suites share, as people of this suite's quarter. */
export const joinIsm = async <Name extends string>(quarter: string, ...names: readonly Name[]): Promise<Ism<Name>> =>
  settle(await sharedProgram(), quarter, names);

const settle = async <Name extends string>({ program, issuer }: Shared, quarter: string, names: readonly Name[]): Promise<Ism<Name>> => {
  const ears: Listening[] = [];
  const people: Client[] = [];
  let echo: Promise<string> | null = null;

  const echoFor = async (client: Client): Promise<string> => {
    const [host, guest] = people;
    if (host === undefined || guest === undefined) throw new Error('echoes need two people');
    echo ??= createRoom(host, 'Group', [guest], 'Echo').then(({ id }) => id);
    const room = await echo;
    const inside = ok<readonly { readonly id: string }[]>(await host.get(`/api/rooms/${room}/users`));
    if (!inside.some(({ id }) => id === client.id)) expectEmpty(await host.post(`/api/rooms/${room}/invite/${client.id}`));
    return room;
  };

  const meet = async (name: string): Promise<Client> => {
    const id = uuidOf(`${quarter} ${name}`);
    const token = await issuer.token({ sub: id, name });
    const send =
      (method: string) =>
      (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
        request(program, path, {
          method,
          headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        });
    const client: Client = {
      ...{ id, name, token, get: send('GET'), post: send('POST'), patch: send('PATCH'), remove: send('DELETE') },
      listen: async () => {
        const room = await echoFor(client);
        const listening = await Listening.open(program.httpUrl, token);
        ears.push(listening);
        return earOf(client, listening, room);
      },
    };
    expect((await client.get('/api/rooms')).status).toBe(200);
    return client;
  };

  const found: [Name, Client][] = [];
  for (const name of names) {
    const client = await meet(name);
    people.push(client);
    found.push([name, client]);
  }
  return {
    program,
    issuer,
    as: Object.fromEntries(found) as Record<Name, Client>, // one entry per name
    meet,
    close: async () => {
      for (const ear of ears) ear.close();
    },
  };
};

/** In nobody's name, unless `asked` has a token. */
export const request = async (program: ReachableProgram, path: string, asked: RequestInit = {}): Promise<Answer> => {
  const response = await fetch(new URL(path, program.httpUrl), { ...asked, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: <A>() => JSON.parse(text) as A, // the contract's shape, which these tests are about
    headers: response.headers,
  };
};

/** What has been told so far is known once one's own message in the room of echoes comes back: the stream has one order. */
const earOf = (client: Client, listening: Listening, echo: string): Ear => {
  let asked = 0;
  const heard = async (): Promise<readonly LiveEvent[]> => {
    const { messageId } = await say(client, echo, 'echo');
    const isEcho = (event: LiveEvent): boolean => (event['message'] as Message | undefined)?.messageId === messageId;
    await listening.until((stream) => stream.heard.some(({ event }) => isEcho(event)));
    const events = listening.heard.slice(asked).map(({ event }) => event);
    asked = listening.heard.length;
    return events.filter((event) => !isOf(event, echo));
  };
  return { heard, types: async () => (await heard()).map(({ type }) => type), close: () => listening.close() };
};

const isOf = (event: LiveEvent, room: string): boolean =>
  event['roomId'] === room ||
  (event['message'] as Message | undefined)?.chatRoomId === room ||
  (event['room'] as ChatRoom | undefined)?.id === room;

/** Status and code of a refusal. */
export const problem = (answer: Answer): readonly [number, string] => [answer.status, answer.json<Problem>().errorCode];
export const INVALID = [400, 'VALIDATION_ERROR'] as const;
export const UNAUTHORIZED = [401, 'UNAUTHORIZED'] as const;
export const FORBIDDEN = [403, 'INSUFFICIENT_PERMISSIONS'] as const;
export const MISSING = [404, 'CONTENT_NOT_FOUND'] as const;

/** Done, with an empty body (not `{}`). */
export const expectEmpty = (answer: Answer): void => expect([answer.status, answer.text]).toEqual([200, '']);

export const ok = <A>(answer: Answer): A => {
  expect(answer.status, answer.text).toBe(200);
  return answer.json<A>();
};

export const createRoom = async (
  by: Client,
  roomType: 'Single' | 'Group',
  others: readonly Client[],
  roomName?: string,
): Promise<ChatRoom> =>
  ok(await by.post('/api/rooms/create-room', { roomType, roomName, invitedUsers: [by.id, ...others.map(({ id }) => id)] }));

export const send = (by: Client, chatRoomId: string, msgBody: object, more: object = {}): Promise<Answer> =>
  by.post('/api/send-msg', { chatRoomId, msgBody, ...more });

export const say = async (by: Client, room: string, text: string): Promise<Message> => ok(await send(by, room, { text }));

export const UUID: unknown = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
/** RFC 3339 in UTC. */
export const INSTANT: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
