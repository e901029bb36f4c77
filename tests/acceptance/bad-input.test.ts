/** Malformed and hostile input at every door of the running program: the exact answers of the contracts, and nothing changes by it. */
import { connect } from 'node:net';
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { Me } from '@tidings/contracts/http/mail-objects';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dial } from '../../services/smtp-ingress/src/testing/smtp-dialogue.ts';
import { startProgram } from '../kit/program.ts';
import { badRequests, type World } from './bad-requests.ts';
import { askJson, foundTown, isCaughtUp, type Person } from './town.ts';

const MAX_BYTES = 100_000;
/** Filled once the program runs; the cases look at it when they are sent. */
const world = {} as World;
let before: ReadonlyMap<string, number>;

const settled = (): Promise<void> =>
  vi.waitFor(async () => expect(await isCaughtUp(world.program)).toBe(true), { timeout: 20_000, interval: 50 });

beforeAll(async () => {
  const town = await foundTown('Gatecrasher', 3);
  const program = await startProgram({
    env: { OIDC_ISSUER: town.issuer.url, MAX_MESSAGE_BYTES: String(MAX_BYTES), SMTP_MAX_RECIPIENTS: '3', LOG_LEVEL: 'fatal' },
  });
  const [member, other, stranger] = town.people as readonly [Person, Person, Person];
  const [me] = await Promise.all(town.people.map((person) => askJson<Me>(program, person, '/api/me')));
  const mailbox = me?.mailboxes[0];
  if (mailbox === undefined) throw new Error('there is no mailbox to break into');
  const body = { roomType: 'Group', roomName: 'Private', invitedUsers: [member.id, other.id] };
  const room = await askJson<ChatRoom>(program, member, '/api/rooms/create-room', { body });
  Object.assign(world, { town, program, member, stranger, mailbox, room });
  await settled();
  before = await rowsInTables();
});
afterAll(async () => {
  await world.program.stop();
  await world.town.issuer.close();
});

/** Every table of log, stores and read models; heartbeats aside. */
const rowsInTables = async (): Promise<ReadonlyMap<string, number>> => {
  const client = new pg.Client({ connectionString: world.program.databaseUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema', 'ops') order by name`,
    );
    const counts = new Map<string, number>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ count: string }>(`select count(*) from ${name}`);
      counts.set(name, Number(rows[0]?.count));
    }
    return counts;
  } finally {
    await client.end();
  }
};

const text = (length: number): string => 'x'.repeat(length);

const { tokens, bodies, places } = badRequests(world);

describe.each([
  ['a token', tokens],
  ['a body', bodies],
  ['a place', places],
] as const)('what HTTP makes of %s', (_, cases) => {
  it.each(cases)('$name', async ({ send, answers: [status, code], names, detail, headers = {} }) => {
    const response = await send();
    const answer = await response.text();
    expect([response.status, response.headers.get('content-type')], answer).toEqual([
      status,
      expect.stringMatching(/^application\/problem\+json\b/),
    ]);
    for (const [name, part] of Object.entries(headers)) expect(response.headers.get(name), name).toContain(part);
    const problem = JSON.parse(answer) as Record<string, unknown> & { readonly errors?: readonly { readonly path: string }[] };
    const { title, detail: said } = problem;
    expect(problem).toEqual({
      type: `urn:tidings:problem:${code.toLowerCase().replaceAll('_', '-')}`,
      ...{ title, status, detail: detail ?? said, code },
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      ...{ error: title, message: said, errorCode: code },
      path: status === 404 || status === 405 || status === 400 ? problem['path'] : expect.stringMatching(/^\/api\//),
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
      traceId: response.headers.get('trace-id'),
    });
    if (names !== undefined) expect(problem.errors?.map(({ path }) => path)).toEqual(names);
    // Not a word of what is inside: no stack, no SQL, no library.
    expect(answer).not.toMatch(/\bat \/|node_modules|select |FST_ERR|ERR_J/);
  });
});

describe('what the sockets make of', () => {
  /** Sends bytes and hears all that comes until the server closes. */
  const raw = (port: number, bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      let heard = '';
      socket.on('data', (chunk: Buffer) => void (heard += chunk.toString()));
      socket.on('close', () => resolve(heard));
      // A server that has heard enough may reset what we still send; what it said counts.
      socket.on('error', (error) => (heard === '' ? reject(error) : resolve(heard)));
      socket.setTimeout(10_000, () => socket.destroy(new Error(`nothing more came after: ${heard}`)));
    });

  it('no HTTP: 400, and the connection ends', async () => {
    const port = Number(new URL(world.program.httpUrl).port);
    expect(await raw(port, 'EHLO what.is.this\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(await raw(port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${text(20 * 1024)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    const smuggled = 'POST /api/send-msg HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await raw(port, smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('what SMTP makes of', () => {
  const FROM = 'MAIL FROM:<a@b.example>';
  const rcpt = (address: string): string => `RCPT TO:<${address}>`;
  const alice = (): string => rcpt(world.member.email);

  it.each<readonly [string, () => readonly string[], RegExp]>([
    ['a command that there is not', () => ['FROBNICATE'], /^500 5\.5\.2 /],
    ['a sender that is none', () => ['MAIL FROM:alice'], /^501 5\.1\.7 /],
    ['a sender left out', () => ['MAIL FROM:'], /^501 5\.1\.7 /],
    ['a recipient before a sender', () => [alice()], /^503 5\.5\.1 /],
    ['a message before a recipient', () => [FROM, 'DATA'], /^503 5\.5\.1 /],
    ['two senders', () => [FROM, FROM], /^503 5\.5\.1 /],
    ['a recipient nobody has', () => [FROM, rcpt('nobody@tidings.test')], /^550 5\.1\.1 /],
    ['a recipient elsewhere', () => [FROM, rcpt('someone@elsewhere.example')], /^550 5\.7\.1 /],
    ['a recipient that is none', () => [FROM, rcpt('a..b@tidings.test')], /^501 5\.1\.3 /],
    ['a log-in', () => ['AUTH PLAIN AGFsaWNlAGFsaWNl'], /^500 5\.5\.2 /],
    ['a message said to be too large', () => [`${FROM} SIZE=${MAX_BYTES + 1}`], /^552 5\.3\.4 /],
    [
      'too many recipients',
      () => [FROM, alice(), ...['02', '03'].map((n) => rcpt(`gatecrasher${n}@tidings.test`)), rcpt('postmaster@tidings.test')],
      /^452 4\.5\.3 /,
    ],
  ])('%s', async (_, commands, answer) => {
    const dialogue = await dial(world.program.smtpPort);
    try {
      expect(await dialogue.reply()).toMatch(/^220 /);
      expect(await dialogue.say('EHLO gate.example')).toMatch(/^250/);
      const replies: string[] = [];
      for (const command of commands()) replies.push(await dialogue.say(command));
      expect(replies.at(-1)).toMatch(answer);
      expect(replies.slice(0, -1).filter((reply) => !reply.startsWith('250 '))).toEqual([]);
      expect(await dialogue.say('NOOP')).toMatch(/^250 /);
    } finally {
      dialogue.close();
    }
  });

  it.each<readonly [string, string, RegExp]>([
    ['a bare LF', 'Subject: x\r\n\r\na\nb\r\n', /^550 5\.5\.2 /],
    ['a bare CR', 'Subject: x\r\n\r\na\rb\r\n', /^550 5\.5\.2 /],
    [
      'a smuggled second mail, LF . CRLF',
      'Subject: x\r\n\r\nend\n.\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<y@tidings.test>\r\n',
      /^550 5\.5\.2 /,
    ],
    ['a smuggled second mail, LF . LF', 'Subject: x\r\n\r\nend\n.\nMAIL FROM:<evil@x>\r\n', /^550 5\.5\.2 /],
    ['a smuggled second mail, CRLF . LF', 'Subject: x\r\n\r\nend\r\n.\nMAIL FROM:<evil@x>\r\n', /^550 5\.5\.2 /],
    ['a line without end', `Subject: x\r\n\r\n${text(70_000)}\r\n`, /^500 5\.5\.2 /],
    ['a loop', `${'Received: from a by b\r\n'.repeat(101)}\r\nround and round\r\n`, /^554 5\.4\.6 /],
    ['a message that turns out too large', `Subject: x\r\n\r\n${`${text(70)}\r\n`.repeat(1_500)}`, /^552 5\.3\.4 /],
  ])('%s', async (_, content, answer) => {
    const dialogue = await dial(world.program.smtpPort);
    try {
      await dialogue.reply();
      await dialogue.say('EHLO gate.example');
      for (const command of [FROM, alice()]) expect(await dialogue.say(command)).toMatch(/^250 /);
      expect(await dialogue.say('DATA')).toMatch(/^354 /);
      dialogue.send(`${content}.\r\n`);
      expect(await dialogue.reply()).toMatch(answer);
      expect(await dialogue.say('NOOP'), 'nothing of the message is taken for commands').toMatch(/^250 /);
    } finally {
      dialogue.close();
    }
  });
});

it('nothing has changed by any of it', async () => {
  await settled();
  expect(await rowsInTables()).toEqual(before);
});
