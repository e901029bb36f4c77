/**
 * Two nodes with all services each on one database, behind a plain load balancer. They share the read models; one hangs and wakes up again, later one is
 * killed: whatever either held moves to the other within ten seconds, and nothing is lost, applied twice or sent twice.
 */
import { randomUUID } from 'node:crypto';
import { liveEvents } from '@tidings/contracts/client/events';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Delivery, Me } from '@tidings/contracts/http/mail-objects';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Balancer, startBalancer } from '../kit/balancer.ts';
import { childPid } from '../kit/child-pid.ts';
import { fillFromTemplate } from '../kit/program-template.ts';
import { type Program, startProgram } from '../kit/program.ts';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { onlookerPool } from '../kit/databases.ts';
import { Load, recovery } from '../acceptance/load.ts';
import { ask, askJson, foundTown, type Person, type Town } from '../acceptance/town.ts';

/** As the house plan has it. */
const TAKEN_OVER_MS = 10_000;
const soon = { timeout: 60_000, interval: 50 };

let home: string;
let postgres: EmbeddedPostgres;
let database: pg.Pool;
let town: Town;
let sink: Sink;
let http: Balancer;
let smtp: Balancer;
/** The program as people meet it: both nodes, by turns. */
let front: Program;
let load: Load;
let nodes: readonly [Program, Program];

const startNode = (name: string): Promise<Program> =>
  startProgram({
    fresh: true, // its database is not its own
    env: {
      PROCESSES: 'one', // it is nodes that are killed
      DATABASE_URL: postgres.url,
      NODE_NAME: name,
      OIDC_ISSUER: town.issuer.url,
      SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}`,
      LOG_LEVEL: 'fatal',
    },
  });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidings-nodes-'));
  await chmod(home, 0o711); // as root, Postgres runs under another account
  await fillFromTemplate(home);
  [postgres, town, sink] = await Promise.all([
    startEmbeddedPostgres({ dataDir: join(home, 'postgres'), logger: pino({ level: 'silent' }) }),
    foundTown('Rower', 6),
    startSink(),
  ]);
  database = onlookerPool(postgres.url, 1);
  nodes = await Promise.all([startNode('one'), startNode('two')]);
  [http, smtp] = await Promise.all([startBalancer(nodes.map(httpPort)), startBalancer(nodes.map(({ smtpPort }) => smtpPort))]);
  const [first] = nodes;
  front = { ...first, httpUrl: `http://127.0.0.1:${http.port}`, smtpPort: smtp.port };
  load = await Load.begin(() => front, town);
});
afterAll(async () => {
  await load.abandon();
  for (const node of nodes) signal(node, 'SIGCONT');
  await Promise.all(nodes.map((node) => node.stop()));
  await Promise.all([http.close(), smtp.close(), town.issuer.close(), sink.close(), database.end()]);
  await postgres.stop();
  await rm(home, { recursive: true, force: true });
});

const httpPort = ({ httpUrl }: Program): number => Number(new URL(httpUrl).port);
/** New connections go to these; those to others are broken, as when a balancer takes a node out. */
const balance = (up: readonly Program[]): void => {
  http.use(up.map(httpPort));
  smtp.use(up.map(({ smtpPort }) => smtpPort));
};
const signal = ({ pid }: Program, name: NodeJS.Signals): void => {
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended.
  }
};

/** Who holds leases in the name of this node (`lease.ts`: `host:pid:…`). */
const ownersOn = (node: Program): readonly string[] =>
  ['projector', 'filing', 'egress'].flatMap((group) => childPid(node.pid, group) ?? []).map((pid) => `%:${pid}:%`);
const leasesOf = async (owners: readonly string[]): Promise<readonly string[]> => {
  const { rows } = await database.query<{ name: string }>(
    'select name from projection.lease where owner like any($1) and expires_at > clock_timestamp()',
    [owners],
  );
  return rows.map(({ name }) => name);
};
const readModelsOf = async (node: Program): Promise<number> =>
  (await leasesOf(ownersOn(node))).filter((name) => /_v\d+_g\d+$/.test(name)).length;
/** Each of them has one owner for each shard of the log. */
const PROCESS_MANAGERS = [
  ...['filing', 'notifier', 'importer', 'caretaker', 'emptier', 'blob-collector'],
  ...['outbox', 'outbox-releases', 'outbox-answers', 'egress', 'gateway-in', 'gateway-out'],
];
/** Soon all that has one owner, whoever that was, is this node's: projections and process managers. */
const expectTakenOverBy = async (node: Program): Promise<void> => {
  const theirs = ownersOn(node);
  const { rows } = await database.query<{ name: string }>(`select name from projection.lease where owner <> 'nobody'`);
  const wanted = rows.map(({ name }) => name).toSorted();
  expect(wanted).toEqual(expect.arrayContaining([...PROCESS_MANAGERS, expect.stringMatching(/_v\d+_g\d+$/)]));
  await vi.waitFor(async () => expect((await leasesOf(theirs)).toSorted()).toEqual(wanted), { timeout: TAKEN_OVER_MS, interval: 50 });
};
/** Who sends mail now, and the other one. */
const senderAndOther = async (): Promise<readonly [Program, Program]> => {
  const [one, two] = nodes;
  return (await leasesOf(ownersOn(one))).includes('egress') ? [one, two] : [two, one];
};
const expectShared = (): Promise<void> =>
  vi.waitFor(async () => {
    const { rows } = await database.query<{ count: number }>(`select count(*)::int as count from projection.instance where state = 'live'`);
    const all = rows[0]?.count ?? 0;
    const [few = 0, many = 0] = (await Promise.all(nodes.map(readModelsOf))).toSorted((a, b) => a - b);
    expect([few, many]).toEqual([Math.floor(all / 2), Math.ceil(all / 2)]);
  }, soon);

const [DAN, EVE, FAY] = [3, 4, 5];
/** Into whose mailboxes the load does not mail. */
const person = (at: number): Person => town.people[at] ?? expect.unreachable('the town is too small');
let ourRoom: string;
const say = async (node: Pick<Program, 'httpUrl'>, text: string): Promise<Message> =>
  askJson<Message>(node, person(EVE), '/api/send-msg', { body: { chatRoomId: ourRoom, msgBody: { text } } });

/** By whichever node is next. A connection to one that is gone ends as it is used: whoever meets that makes the same request again. */
const sayAnywhere = (text: string): Promise<Message> => {
  const headers = { 'idempotency-key': randomUUID() };
  return vi.waitFor(
    () => askJson<Message>(front, person(EVE), '/api/send-msg', { headers, body: { chatRoomId: ourRoom, msgBody: { text } } }),
    soon,
  );
};

/** Of Eve, by whom mails to the world are written. */
let mailboxId: string;
/** Each by whichever node is next. */
const submitted: { readonly emailId: string; readonly to: string }[] = [];
const submit = async (to: string): Promise<void> => {
  const eve = person(EVE);
  const body = `From: ${eve.email}\r\nTo: ${to}\r\nSubject: ${to}\r\n\r\nHello\r\n`;
  const headers = { 'content-type': 'message/rfc822', 'x-rcpt-to': to, 'idempotency-key': to };
  // When a node dies on the way, the same request is made again.
  await vi.waitFor(async () => {
    const response = await ask(front, eve, `/api/mailboxes/${mailboxId}/submit`, { method: 'POST', body, headers });
    const answer = await response.text();
    expect([response.status, answer]).toEqual([202, expect.stringContaining('emailId')]);
    submitted.push({ emailId: (JSON.parse(answer) as { emailId: string }).emailId, to });
  }, soon);
};
const submitSome = async (count: number, wave: string): Promise<void> => {
  for (let n = 0; n < count; n += 1) await submit(`${wave}${n}@far.example`);
};
/** A mail to this address has been handed over, and waits for the other server's answer until that is let go. */
const holdBack = async (to: string): Promise<() => void> => {
  const [came, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  sink.play({
    onMessage: (mail) => {
      if (!mail.to.includes(to)) return undefined;
      came.resolve();
      return answer.promise;
    },
  });
  await submit(to);
  await came.promise;
  return () => answer.resolve('250 2.0.0 taken');
};

it('shares the read models, half and half', () => expectShared());

it('reads on one node what was just written on another', async () => {
  const [here, there] = nodes;
  await askJson(there, person(FAY), '/api/me');
  mailboxId = (await askJson<Me>(here, person(EVE), '/api/me')).mailboxes[0]?.id ?? expect.unreachable('no mailbox');
  const body = { roomType: 'Single', invitedUsers: [person(EVE).id, person(FAY).id] };
  ourRoom = (await askJson<ChatRoom>(here, person(EVE), '/api/rooms/create-room', { body })).id;
  for (let n = 0; n < 6; n += 1) {
    const [writer, reader] = n % 2 === 0 ? [here, there] : [there, here];
    const said = await say(writer, `${n}`);
    const [latest] = await askJson<readonly Message[]>(reader, person(FAY), `/api/rooms/${ourRoom}/timeline`);
    expect(latest).toEqual(said);
  }
});

it('waits on one node for the position that another gave', async () => {
  const [here, there] = nodes;
  for (let n = 0; n < 4; n += 1) {
    const asked = { body: { chatRoomId: ourRoom, msgBody: { text: `early ${n}` } }, headers: { prefer: 'respond-async' } };
    const accepted = await ask(here, person(EVE), '/api/send-msg', asked);
    const headers = { 'tidings-position': accepted.headers.get('tidings-position') ?? '' };
    expect(accepted.status).toBe(202);
    const [latest] = await askJson<readonly Message[]>(there, person(FAY), `/api/rooms/${ourRoom}/timeline`, { headers });
    expect(latest?.msgBody).toMatchObject({ text: `early ${n}` });
  }
});

it('goes on with the other when one hangs, which does nothing twice when it wakes up', async () => {
  await load.more(8);
  expect(nodes.map((node) => [http.carried(httpPort(node)) > 0, smtp.carried(node.smtpPort) > 0])).toEqual([
    [true, true],
    [true, true],
  ]);
  const [hanging, other] = await senderAndOther();
  const letGo = await holdBack('hung@far.example');
  const sending = submitSome(5, 'hung');
  balance([other]);
  signal(hanging, 'SIGSTOP');
  try {
    await expectTakenOverBy(other);
    await recovery(front, town, soon.timeout);
    await load.more(8);
  } finally {
    signal(hanging, 'SIGCONT');
  }
  letGo();
  await sending;
  balance(nodes);
  await load.more(8);
  await expectShared();
});

/** Fay's live stream on one node: the messages that it tells, one after the other. */
const listenOn = async (node: Program, lastEventId?: string) => {
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const resume = lastEventId === undefined ? {} : { lastEventId };
  const { signal: ended } = stop;
  const events = liveEvents({ baseUrl: node.httpUrl, token: () => person(FAY).token, signal: ended, onOpen: opened.resolve, ...resume });
  const told = (async function* () {
    for await (const { id, event } of events) if (event?.type === 'ChatMessage') yield { id: id ?? '', message: event.message };
  })();
  const first = told.next();
  await Promise.race([opened.promise, first]);
  let waiting: typeof first | null = first;
  const next = async (): Promise<{ readonly id: string; readonly message: Message }> => {
    const { value } = await (waiting ?? told.next());
    waiting = null;
    return value ?? expect.unreachable('the stream ended');
  };
  return { next, stop: () => stop.abort() };
};

it('goes on with the other when one is killed amid sending, and a live stream resumes there', async () => {
  const [dying, other] = await senderAndOther();
  const before = await listenOn(dying);
  const first = await say(other, 'before the kill');
  const { id, message } = await before.next();
  expect(message).toEqual(first);
  const letGo = await holdBack('killed@far.example');
  const sending = submitSome(5, 'killed');
  await dying.kill9();
  before.stop();
  await expectTakenOverBy(other);
  const missed = [await sayAnywhere('nobody heard this'), await sayAnywhere('nor this')];
  const after = await listenOn(other, id);
  const live = await sayAnywhere('after the kill');
  expect([await after.next(), await after.next(), await after.next()].map((told) => told.message)).toEqual([...missed, live]);
  after.stop();
  letGo();
  await recovery(front, town, soon.timeout);
  await load.more(8);
  await sending;
});

it('has every message and mail once, told once, in one order', async ({ annotate }) => {
  await load.balance();
  // Refused, if at all, by a broken connection or in the words of an outage.
  expect(load.refusedPosts.filter(({ code }) => code !== null && code !== 503)).toEqual([]);
  expect(load.refusedMails.filter(({ code }) => code !== null && code !== 451 && code !== 421)).toEqual([]);
  // Who never wrote or read has just as many unread: nothing was counted twice.
  const rooms = await askJson<readonly ChatRoom[]>(front, town.people[DAN] ?? expect.unreachable(), '/api/rooms');
  for (const { id, unreadCount } of rooms) expect(unreadCount).toBe(load.acknowledged.filter(({ room }) => room === id).length);
  await annotate(`two nodes: ${load.summary}`);
});

it('has sent every mail once, or says that nobody knows', async () => {
  const statusOf = async (emailId: string): Promise<string> => {
    const path = `/api/emails/${emailId}/deliveries`;
    const { content } = await askJson<{ readonly content: readonly Delivery[] }>(front, person(EVE), path);
    return content.map(({ status }) => status).join();
  };
  const statuses = async (): Promise<readonly string[]> => Promise.all(submitted.map(({ emailId }) => statusOf(emailId)));
  // Connections to the node that is gone end as they are used: whoever meets one asks again.
  const ended = await vi.waitFor(async () => {
    const found = await statuses();
    expect(found.filter((one) => one !== 'delivered' && one !== 'unknown')).toEqual([]);
    return found;
  }, soon);
  const told = new Map(ended.map((status, at) => [submitted[at]?.to, status]));
  expect(told.size).toBe(12);
  const got = sink.mails.flatMap(({ to }) => to);
  for (const [to, status] of told) {
    const times = got.filter((one) => one === to).length;
    if (status === 'delivered') expect([to, times]).toEqual([to, 1]);
    else expect(times).toBeLessThanOrEqual(1);
  }
  // The other server had this one, and whoever handed it over did not live to hear it.
  expect(told.get('killed@far.example')).toBe('unknown');
  await vi.waitFor(async () => expect((await ask(front, null, '/ready')).status).toBe(200), soon);
});
