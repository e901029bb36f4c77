/**
 * Two nodes with all services each, on one database, as behind a plain load balancer. One is killed, later the other one hangs and wakes up again: whatever
 * either held moves to the other within ten seconds, and nothing is lost, applied twice or sent twice.
 */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Delivery, Mailbox } from '@tidings/contracts/http/mail-objects';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { childPid } from '../kit/child-pid.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { type Program, startProgram } from '../kit/program.ts';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { Load, recovery } from './load.ts';
import { ask, askJson, foundTown, type Person, type Town } from './town.ts';

/** As the house plan has it. */
const TAKEN_OVER_MS = 10_000;
const soon = { timeout: 60_000, interval: 100 };

let database: TestDatabase;
let town: Town;
let sink: Sink;
let load: Load;
const nodes: Program[] = [];
/** Where the load balancer sends people; one that is down is left out. */
let up: readonly Program[] = [];

const startNode = async (name: string): Promise<Program> => {
  const program = await startProgram({
    fresh: true, // its database is not its own
    env: {
      DATABASE_URL: database.url,
      NODE_NAME: name,
      OIDC_ISSUER: town.issuer.url,
      SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}`,
      LOG_LEVEL: 'fatal',
    },
  });
  nodes.push(program);
  // For whoever asks the database how far filing is.
  return { ...program, running: { ...program.running, embeddedUrl: database.url } };
};

/** Who holds leases in the name of this node (`lease.ts`: `host:pid:…`). */
const ownersOn = (node: Program): readonly string[] =>
  ['projector', 'filing', 'egress'].flatMap((group) => childPid(node.pid, group) ?? []).map((pid) => `%:${pid}:%`);

/** Soon nothing that has one owner is theirs any more: projections, filing, sending. */
const expectTakenOver = async (owners: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const left = async (): Promise<readonly string[]> =>
    (await client.query<{ name: string }>('select name from projection.lease where owner like any($1)', [owners])).rows.map(
      ({ name }) => name,
    );
  try {
    await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: TAKEN_OVER_MS, interval: 50 });
  } finally {
    await client.end();
  }
};

let turn = 0;
const anyNode = (): Program => {
  const node = up[turn++ % up.length];
  if (node === undefined) throw new Error('no node is up');
  return node;
};

beforeAll(async () => {
  [database, town, sink] = await Promise.all([createTestDatabase(), foundTown('Rower', 6), startSink()]);
  up = [await startNode('one')];
  up = [...up, await startNode('two')];
  load = await Load.begin(anyNode, town);
});
afterAll(async () => {
  await load.abandon();
  for (const node of nodes) {
    signal(node, 'SIGCONT');
    await node.stop();
  }
  await Promise.all([database.drop(), town.issuer.close(), sink.close()]);
});

const signal = ({ pid }: Program, name: NodeJS.Signals): void => {
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended.
  }
};

/** Somebody into whose mailbox the load does not mail. */
const sender = (): Person => town.people[4] ?? expect.unreachable('the town is too small');

/** Mails to the world, each by whichever node is next. */
const submitted: { readonly emailId: string; readonly to: string }[] = [];
const submit = async (person: Person, mailboxId: string, to: string): Promise<void> => {
  const raw = `From: ${person.email}\r\nTo: ${to}\r\nSubject: ${to}\r\n\r\nHello\r\n`;
  const headers = { 'content-type': 'message/rfc822', 'x-rcpt-to': to, 'idempotency-key': to };
  // When a node dies on the way, the same request is made of another.
  await vi.waitFor(async () => {
    const response = await ask(anyNode(), person, `/api/mailboxes/${mailboxId}/submit`, { method: 'POST', body: raw, headers });
    const answer = await response.text();
    expect([response.status, answer]).toEqual([202, expect.stringContaining('emailId')]);
    submitted.push({ emailId: (JSON.parse(answer) as { emailId: string }).emailId, to });
  }, soon);
};
const mailboxOf = async (person: Person): Promise<string> => {
  const me = await askJson<{ readonly mailboxes: readonly Mailbox[] }>(anyNode(), person, '/api/me');
  return me.mailboxes[0]?.id ?? expect.unreachable('no mailbox');
};
const sendSome = async (count: number, wave: string): Promise<void> => {
  const mailboxId = await mailboxOf(sender());
  for (let n = 0; n < count; n += 1) await submit(sender(), mailboxId, `${wave}${n}@far.example`);
};

it('reads on one node what was just written on another', async () => {
  const [, , , , eve, fay] = town.people as readonly [Person, Person, Person, Person, Person, Person];
  const [here, there] = up as [Program, Program];
  await askJson(there, fay, '/api/me');
  const body = { roomType: 'Single', invitedUsers: [eve.id, fay.id] };
  const { id } = await askJson<ChatRoom>(here, eve, '/api/rooms/create-room', { body });
  for (let n = 0; n < 20; n += 1) {
    const [writer, reader] = n % 2 === 0 ? [here, there] : [there, here];
    const said = await askJson<Message>(writer, eve, '/api/send-msg', { body: { chatRoomId: id, msgBody: { text: `${n}` } } });
    const [latest] = await askJson<readonly Message[]>(reader, fay, `/api/rooms/${id}/timeline`);
    expect(latest).toEqual(said);
  }
});

it('goes on with the other when one is killed', async () => {
  const [one, two] = up as [Program, Program];
  await load.more(12);
  const sending = sendSome(15, 'killed');
  await sink.taken(5);
  const owners = ownersOn(one);
  await one.kill9();
  up = [two];
  await expectTakenOver(owners);
  await recovery(two, town, soon.timeout);
  await load.more(12);
  await sending;
});

it('goes on with the other when one hangs, which does nothing twice when it wakes up', async () => {
  const [two] = up as [Program];
  const three = await startNode('three');
  up = [two, three];
  await load.more(12);
  const sending = sendSome(15, 'hung');
  await sink.taken(sink.mails.length + 3);
  // People are sent elsewhere first: what is under way on a node that hangs has no answer until it wakes up.
  up = [three];
  await load.more(24);
  signal(two, 'SIGSTOP');
  try {
    await expectTakenOver(ownersOn(two));
    await recovery(three, town, soon.timeout);
    await load.more(12);
  } finally {
    signal(two, 'SIGCONT');
  }
  await sending;
  up = [two, three];
  await load.more(12);
});

it('has every message and mail once, told once, in one order', async ({ annotate }) => {
  await load.balance();
  // Refused, if at all, by a broken connection or in the words of an outage.
  expect(load.refusedPosts.filter(({ code }) => code !== null && code !== 503)).toEqual([]);
  expect(load.refusedMails.filter(({ code }) => code !== null && code !== 451 && code !== 421)).toEqual([]);
  await annotate(`two nodes: ${load.summary}`);
});

it('has sent every mail once, or says that nobody knows', async () => {
  const statusOf = async (emailId: string): Promise<string> => {
    const { content } = await askJson<{ readonly content: readonly Delivery[] }>(anyNode(), sender(), `/api/emails/${emailId}/deliveries`);
    return content.map(({ status }) => status).join();
  };
  expect(submitted).toHaveLength(30);
  const statuses = async (): Promise<readonly string[]> => Promise.all(submitted.map(({ emailId }) => statusOf(emailId)));
  await vi.waitFor(async () => expect((await statuses()).filter((one) => one !== 'delivered' && one !== 'unknown')).toEqual([]), soon);
  const told = await statuses();
  const got = sink.mails.flatMap(({ to }) => to);
  for (const [n, { to }] of submitted.entries()) {
    const times = got.filter((one) => one === to).length;
    if (told[n] === 'delivered') expect([to, times]).toEqual([to, 1]);
    else expect(times).toBeLessThanOrEqual(1);
  }
  expect((await ask(anyNode(), null, '/ready')).status).toBe(200);
});
