/**
 * The gateway's way in: webhooks that are taken in a second, and how long after its `250` an answer by SMTP is a message on a member's live stream, at
 * 100 a second. Each answer is signed (DKIM) and from an outsider of one of many rooms, so that everything an answer goes through is in it, and nobody has to
 * write more than a person does. What the program's processes spend on an answer is said besides, since a busy machine does not change it.
 */
import { liveEvents } from '@tidings/contracts/client/events';
import type { ConversationId } from '@tidings/contracts/ids';
import { issueReplyToken, replyAddressOf, replyKeysOf } from '@tidings/domain/gateway/reply-token';
import { createTransport } from 'nodemailer';
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { startDns } from '../tests/kit/dns.ts';
import { type Program, startProgram } from '../tests/kit/program.ts';
import { cpuPerMessage, cpuTimes } from './chat-cpu.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';

const SECRET = 'bench-secret';
const DOMAIN = 'example.org';
/** Each with an outsider of its own. */
const ROOMS = 200;
/** So many before anything is measured: threads start with the first, and V8 compiles what is hot for a quarter of a minute, as for chat. */
const WARM_UP = 1_500;
/** Rooms that are made at a time. */
const AT_ONCE = 20;
const ANSWERS = Number(process.env['BENCH_MAILS'] ?? 1_000);
const PER_SECOND = 100;
const CALLS = 2_000;
const CALLERS = 20;
const MOST_MS = 100;
const GIVE_UP_MS = 300_000;

interface Outsider {
  readonly email: string;
  readonly address: string;
}

export const gatewayBench: Bench = {
  name: 'gateway',
  run: async (say) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const dns = await startDns({ [`k._domainkey.${DOMAIN} TXT`]: `v=DKIM1; k=rsa; p=${publicKey.replace(/-----[^-]+-----|\s/g, '')}` });
    const program = await startProgram({
      env: {
        ...{ DNS_SERVERS: dns.address, EMAIL_REPLY_SECRET: SECRET, EMAIL_WEBHOOK_SECRET: SECRET, EMAIL_HOURLY_LIMIT: '1000000' },
        ...{ EMAIL_OUTBOUND_ENABLED: 'off', RATE_LIMITS: 'off' },
      },
    });
    try {
      const outsiders = await openRooms(program);
      const answers = await measureAnswers(program, outsiders, privateKey, say);
      return [await measureWebhooks(program, outsiders, say), ...answers];
    } finally {
      await program.stop();
      await dns.close();
    }
  },
};

const openRooms = async (program: Program): Promise<readonly Outsider[]> => {
  const keys = replyKeysOf((key, data) => createHmac('sha256', key).update(data).digest(), SECRET);
  const [alice, bob] = await Promise.all([program.token('alice'), program.token('bob')]);
  /** Again where it took too long to be seen, which is one command by its key. */
  const ask = async <A>(token: string, method: string, path: string, body?: object, key: string = randomUUID()): Promise<A> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key };
    const response = await fetch(`${program.httpUrl}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === 503) return ask(token, method, path, body, key);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as A; // the contract of the route
  };
  const members = await Promise.all(
    [alice, bob].map(async (token) => (await ask<{ user: { id: string } }>(token, 'GET', '/api/me')).user.id),
  );
  const open = async (n: number): Promise<Outsider> => {
    const email = `outsider${n}@${DOMAIN}`;
    const room = { roomType: 'Group', roomName: `Room ${n}`, invitedUsers: members };
    const { id } = await ask<{ id: ConversationId }>(alice, 'POST', '/api/rooms/create-room', room);
    await ask(alice, 'POST', `/api/rooms/${id}/email-participants`, { email });
    const token = issueReplyToken(keys, { conversationId: id, number: 1 }, email);
    return { email, address: replyAddressOf(token, 'inbox.tidings.test') };
  };
  const outsiders: Outsider[] = [];
  for (let n = 0; n < ROOMS; n += AT_ONCE) {
    outsiders.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, ROOMS - n) }, (_, at) => open(n + at)))));
  }
  return outsiders;
};

/** Hears what is posted, by its text. */
const listen = async (program: Program) => {
  const token = await program.token('alice');
  const heard = new Map<string, PromiseWithResolvers<number>>();
  const heardOf = (text: string): PromiseWithResolvers<number> => {
    const known = heard.get(text) ?? Promise.withResolvers<number>();
    heard.set(text, known);
    return known;
  };
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const listening = (async (): Promise<void> => {
    const stream = liveEvents({ baseUrl: program.httpUrl, token: () => token, signal: stop.signal, onOpen: opened.resolve });
    for await (const { event } of stream) {
      if (event?.type === 'ChatMessage' && 'text' in event.message.msgBody) heardOf(event.message.msgBody.text).resolve(performance.now());
    }
  })();
  await opened.promise;
  return {
    when: (text: string): Promise<number> => heardOf(text).promise,
    end: async (): Promise<void> => {
      stop.abort();
      await listening;
    },
  };
};

const measureAnswers = async (
  program: Program,
  outsiders: readonly Outsider[],
  privateKey: string,
  say: (line: string) => void,
): Promise<readonly Figure[]> => {
  const live = await listen(program);
  // Signed before, so that signing is no part of what is measured.
  const composer = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'windows',
    dkim: { domainName: DOMAIN, keySelector: 'k', privateKey },
  });
  const answers: {
    readonly text: string;
    readonly raw: Buffer | Readable;
    readonly envelope: { readonly from: string; readonly to: string };
  }[] = [];
  for (let n = 0; n < WARM_UP + ANSWERS; n += 1) {
    const { email, address } = outsiders[n % outsiders.length] ?? { email: '', address: '' };
    const text = `Answer ${n}`;
    const { message } = await composer.sendMail({ from: email, to: address, subject: 'Re: Room', text: `${text}\n\n> What do you say?\n` });
    answers.push({ text, raw: message, envelope: { from: email, to: address } });
  }
  const transport = createTransport({
    ...{ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false }, ignoreTLS: true },
    ...{ pool: true, maxConnections: 20, maxMessages: Infinity },
  });
  /** How long after its 250 each was heard of, in milliseconds. */
  const send = (some: typeof answers): Promise<readonly number[]> =>
    Promise.all(
      some.map(async ({ text, raw, envelope }, n) => {
        await delay((n * 1_000) / PER_SECOND);
        await transport.sendMail({ raw, envelope });
        const accepted = performance.now();
        return Math.max(0, (await live.when(text)) - accepted);
      }),
    );
  const { embeddedUrl } = program.running;
  if (embeddedUrl === null) throw new Error('the program has no Postgres of its own');
  await inTime(send(answers.slice(0, WARM_UP)));
  const before = await cpuTimes(program.pid, embeddedUrl);
  const all = await inTime(send(answers.slice(WARM_UP)));
  const after = await cpuTimes(program.pid, embeddedUrl);
  transport.close();
  await live.end();
  const sorted = sortedCopy(all);
  const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  say(`from 250 to the member's live stream: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
  const spent = cpuPerMessage(before, after, ANSWERS);
  for (const [name, ms] of spent.slice(0, 12)) say(`${name}: ${ms.toFixed(2)} ms of CPU an answer`);
  return [
    {
      ...{ what: `Answer by mail on a member's live stream after its 250, ${PER_SECOND}/s, p99`, unit: 'ms', value: p99 },
      ...{ must: { atMost: MOST_MS }, baseline: null, note: `p50 ${p50.toFixed(1)} ms; ${ROOMS} rooms, DKIM checked` },
    },
    {
      ...{ what: 'CPU of all processes for an answer by mail', unit: 'ms', value: spent.reduce((sum, [, ms]) => sum + ms, 0) },
      ...{
        must: null,
        baseline: null,
        note: spent
          .map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
          .slice(0, 4)
          .join(', '),
      },
    },
  ];
};

/** @throws Error when it takes too long */
const inTime = async <A>(work: Promise<A>): Promise<A> => {
  const over = new AbortController();
  const late = delay(GIVE_UP_MS, undefined, { signal: over.signal }).then(() => Promise.reject(new Error('answers did not all arrive')));
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
};

const measureWebhooks = async (program: Program, outsiders: readonly Outsider[], say: (line: string) => void): Promise<Figure> => {
  const bodies = Array.from({ length: CALLS }, (_, n) => {
    const { email, address } = outsiders[n % outsiders.length] ?? { email: '', address: '' };
    const headers = { 'Message-ID': `<${n}@${DOMAIN}>`, 'Authentication-Results': `mx; dmarc=pass header.from=${DOMAIN}` };
    const body = JSON.stringify({ from: email, to: address, subject: 'Re: Room', text: `Call ${n}`, headers });
    return { body, signature: createHmac('sha256', SECRET).update(body).digest('hex') };
  });
  const call = async ({ body, signature }: (typeof bodies)[number]): Promise<void> => {
    const response = await fetch(`${program.httpUrl}/gateway/inbound`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', 'x-webhook-signature': signature }, body },
    });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`the webhook answered ${response.status}`);
  };
  const queue = bodies.values();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (const one of queue) await call(one);
    }),
  );
  const rate = CALLS / ((performance.now() - began) / 1_000);
  say(`webhooks: ${rate.toFixed(0)}/s`);
  return {
    ...{
      what: `Inbound webhooks, durable before their 200, ${CALLERS} callers`,
      unit: 'messages/s',
      value: rate,
      must: null,
      baseline: null,
    },
    note: 'the messages they become are made meanwhile',
  };
};
