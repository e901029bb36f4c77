/**
 * Postgres is stopped for seconds and started again, with people chatting and mail coming in. Whatever was acknowledged is there after;
 * whatever was not was refused in words a client understands; nobody has to restart anything.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import { decodeJwt } from 'jose';
import { createTransport } from 'nodemailer';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Program, startProgram } from '../kit/program.ts';

/** Longer than an append waits for the log to come back. */
const DOWN_MS = 8_000;
const RECOVER_MS = 10_000;
const PAUSE_MS = 25;

let home: string;
let postgres: EmbeddedPostgres;
let program: Program;

const startDatabase = (): Promise<EmbeddedPostgres> =>
  startEmbeddedPostgres({ dataDir: join(home, 'postgres'), logger: pino({ level: 'silent' }) });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidings-outage-'));
  await chmod(home, 0o711);
  postgres = await startDatabase();
  program = await startProgram({ env: { DATABASE_URL: postgres.url, LOG_LEVEL: 'fatal' } });
});
afterAll(async () => {
  await program.stop();
  await postgres.stop();
  await rm(home, { recursive: true, force: true });
});

const call = async (user: string, path: string, body?: object, key?: string): Promise<Response> =>
  fetch(new URL(path, program.httpUrl), {
    headers: {
      authorization: `Bearer ${await program.token(user)}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });

interface Attempts {
  readonly acknowledged: string[];
  readonly refused: { readonly status: number; readonly retryAfter: string | null }[];
}

/** Sends until told to stop; a refused message is sent again with its key, as a good client does. */
const chat = async (roomId: string, signal: AbortSignal): Promise<Attempts> => {
  const attempts: Attempts = { acknowledged: [], refused: [] };
  for (let n = 0; !signal.aborted; n++) {
    const text = `message ${n}`;
    const key = randomUUID();
    for (;;) {
      const response = await call('alice', '/api/send-msg', { chatRoomId: roomId, msgType: 'Text', msgBody: { text } }, key);
      await response.arrayBuffer();
      if (response.status === 200) {
        attempts.acknowledged.push(text);
        break;
      }
      attempts.refused.push({ status: response.status, retryAfter: response.headers.get('retry-after') });
      if (signal.aborted) break;
      await delay(PAUSE_MS);
    }
    await delay(PAUSE_MS);
  }
  return attempts;
};

/** Mails one after another; one that is put off counts as not sent. */
const mail = async (signal: AbortSignal): Promise<{ readonly accepted: string[]; readonly replies: number[] }> => {
  const accepted: string[] = [];
  const replies: number[] = [];
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, secure: false, ignoreTLS: true });
  for (let n = 0; !signal.aborted; n++) {
    const subject = `mail ${n}`;
    try {
      await transport.sendMail({ from: 'bob@example.org', to: 'alice@tidings.test', subject, text: subject });
      accepted.push(subject);
    } catch (error) {
      if (!(error instanceof Error && 'responseCode' in error)) throw error;
      replies.push(Number(error.responseCode));
    }
    await delay(PAUSE_MS);
  }
  transport.close();
  return { accepted, replies };
};

const timelineOf = async (roomId: string): Promise<readonly string[]> => {
  const texts: string[] = [];
  let before = '';
  for (;;) {
    const response = await call('bob', `/api/rooms/${roomId}/timeline?limit=100${before}`);
    expect(response.status).toBe(200);
    const page = (await response.json()) as { messageId: string; msgBody: { text?: string } }[];
    texts.push(...page.flatMap(({ msgBody }) => msgBody.text ?? []));
    if (page.length < 100) return texts;
    before = `&before=${page.at(-1)?.messageId}`;
  }
};

const subjectsInInbox = async (): Promise<ReadonlySet<string>> => {
  const me = (await (await call('alice', '/api/me')).json()) as { mailboxes: { id: string; address: string }[] };
  const mailbox = me.mailboxes.find(({ address }) => address === 'alice@tidings.test');
  const subjects = new Set<string>();
  let cursor = '';
  for (;;) {
    const page = (await (await call('alice', `/api/mailboxes/${mailbox?.id}/threads?view=inbox&limit=100${cursor}`)).json()) as {
      content: { subject: string }[];
      cursor: string | null;
    };
    for (const { subject } of page.content) subjects.add(subject);
    if (page.cursor === null) return subjects;
    cursor = `&cursor=${encodeURIComponent(page.cursor)}`;
  }
};

it('loses nothing that it acknowledged and recovers by itself within 10 s', async () => {
  const members = [decodeJwt(await program.token('alice')).sub, decodeJwt(await program.token('bob')).sub];
  const created = await call('alice', '/api/rooms/create-room', { roomType: 'Single', invitedUsers: members });
  const { id: roomId } = (await created.json()) as { id: string };

  const load = new AbortController();
  const chatting = chat(roomId, load.signal);
  const mailing = mail(load.signal);
  await delay(1_500); // some of it before the outage
  await postgres.stop();
  expect((await fetch(new URL('/health', program.httpUrl))).status).toBe(200);
  expect((await fetch(new URL('/ready', program.httpUrl))).status).toBe(503);
  await delay(DOWN_MS);
  postgres = await startDatabase();
  const back = performance.now();
  await vi.waitFor(async () => expect((await fetch(new URL('/ready', program.httpUrl))).status).toBe(200), {
    timeout: RECOVER_MS,
    interval: 50,
  });
  const sent = await call('alice', '/api/send-msg', { chatRoomId: roomId, msgType: 'Text', msgBody: { text: 'after' } });
  expect(sent.status).toBe(200);
  expect(performance.now() - back).toBeLessThan(RECOVER_MS);
  await delay(1_500); // and some after
  load.abort();
  const [chatted, mailed] = await Promise.all([chatting, mailing]);

  expect(chatted.refused.length).toBeGreaterThan(0);
  expect(chatted.refused.filter(({ status, retryAfter }) => status !== 503 || retryAfter === null)).toEqual([]);
  const texts = await timelineOf(roomId);
  for (const text of chatted.acknowledged) expect(texts.filter((one) => one === text)).toHaveLength(1);

  expect(mailed.replies.length).toBeGreaterThan(0);
  expect(mailed.replies.filter((code) => code !== 451)).toEqual([]);
  await vi.waitFor(
    async () => {
      const subjects = await subjectsInInbox();
      expect(mailed.accepted.filter((subject) => !subjects.has(subject))).toEqual([]);
    },
    { timeout: RECOVER_MS, interval: 200 },
  );
});
