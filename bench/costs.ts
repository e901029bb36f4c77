/**
 * What one message costs: processor time by stage and bytes by place, for a chat message in a room of two, a mail of 2 kB that comes in and one of 10 kB
 * that goes out, each at an easy pace and until all of it is done. Time is the processor's, so that a busy machine changes it little. The figures go to
 * `costs.json`, from which docs/scale.md is reckoned.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Me } from '@tidings/contracts/http/mail-objects';
import { Dice, isCaughtUp } from '../tests/acceptance/town.ts';
import { startIssuer, type TestIssuer } from '../tests/kit/issuer.ts';
import { type Program, startProgram } from '../tests/kit/program.ts';
import { startSink } from '../tests/kit/smtp-sink.ts';
import type { ChatLoad, ChatResult } from './chat-load.ts';
import { inProcess, talkersOf } from './chat-program.ts';
import { type Costs, type MessageCosts, writeCosts } from './costs-file.ts';
import { costsBetween, cpuByStage, type Idle, idleBetween, look } from './costs-look.ts';
import { openQueueing } from './egress-load.ts';
import { type Bench, type Figure, machine, savedValue } from './harness.ts';
import { Words } from './mail-seed.ts';
import { sendMails } from './smtp-source.ts';

const MESSAGES = Number(process.env['BENCH_MESSAGES'] ?? 4_000);
const MAILS = Number(process.env['BENCH_MAILS'] ?? 1_000);
/** Chat messages a second: so few that the machine keeps up with them easily. */
const RATE = Number(process.env['BENCH_RATE'] ?? 200);
const USERS = 200;
/** Of text, each other than the next, as people write; and of what goes out. */
const TEXT_BYTES = 2_048;
const BYTES = 10_240;
const IDLE_MS = 5_000;
/** Of each person: so many that telling them is seen beside the rest. */
const STREAMS_EACH = 5;

export const costsBench: Bench = {
  name: 'costs',
  run: async (say, folder) => {
    const [issuer, sink] = await Promise.all([startIssuer(), startSink()]);
    const env = { OIDC_ISSUER: issuer.url, RATE_LIMITS: 'off', BLOBS: 'postgres', SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}` };
    const program = await startProgram({ env });
    try {
      const idle = await idleOf(program);
      say(`idle: ${total(idle.cpu).toFixed(1)} ms of CPU a second`);
      const chat = await chatCosts(program, issuer, idle);
      say(`chat: ${summary(chat)}`);
      const mailIn = await mailInCosts(program, issuer, idle);
      say(`mail that comes in: ${summary(mailIn)}`);
      const mailOut = await mailOutCosts(program, sink, idle);
      say(`mail that goes out: ${summary(mailOut)}`);
      const limits = {
        append: await savedValue(folder, 'append', 'append: 500 callers'),
        read: await savedValue(folder, 'replay', 'replay of the timeline', 'baseline'),
        streamKilobytes: await savedValue(folder, 'sse-idle', 'idle SSE connections'),
      };
      const costs: Costs = {
        ...{ machine: machine(), measuredAt: new Date().toISOString(), idleCpuMs: total(idle.cpu) },
        ...{ chat, mailIn, mailOut, limits },
      };
      await writeCosts(folder, costs);
      return [
        figure('chat message', chat),
        figure('mail of 2 kB of text that comes in', mailIn),
        figure('mail of 10 kB that goes out', mailOut),
      ];
    } finally {
      await program.stop();
      await Promise.all([issuer.close(), sink.close()]);
    }
  },
};

const total = (parts: ReadonlyMap<string, number>): number => [...parts.values()].reduce((sum, ms) => sum + ms, 0);
const totalOf = ({ cpuMs }: MessageCosts): number => total(new Map(Object.entries(cpuMs)));
const byStage = ({ cpuMs }: MessageCosts): string =>
  Object.entries(cpuMs)
    .toSorted(([, a], [, b]) => b - a)
    .map(([stage, ms]) => `${stage} ${ms.toFixed(2)}`)
    .join(', ');
const kept = ({ bytes }: MessageCosts): string =>
  Object.entries(bytes)
    .map(([place, more]) => `${place} ${Math.round(more).toLocaleString('en-US')}`)
    .join(', ');
const summary = (costs: MessageCosts): string => `${totalOf(costs).toFixed(2)} ms (${byStage(costs)}); bytes: ${kept(costs)}`;
const figure = (what: string, costs: MessageCosts): Figure => ({
  what: `CPU of a ${what}, all processes and Postgres`,
  unit: 'ms',
  value: totalOf(costs),
  must: null,
  baseline: null,
  note: `${byStage(costs)}; bytes: ${kept(costs)}`,
});

const idleOf = async (program: Program): Promise<Idle> => {
  await settled(program);
  const before = await look(program);
  await delay(IDLE_MS);
  return idleBetween(before, await look(program));
};

/** Waits until all that was begun is done, mail sorted and read models up to date. */
const settled = async (program: Program): Promise<void> => {
  while (!(await isCaughtUp(program))) await delay(100);
};

/** Twice, to the same rooms: nobody listens, then all do. What the second costs more is delivery. */
const chatCosts = async (program: Program, issuer: TestIssuer, idle: Idle): Promise<MessageCosts> => {
  const users = await talkersOf(issuer, USERS);
  const talk = (seconds: number, streamsEach: number, rooms?: readonly string[]): Promise<ChatResult> => {
    const watch = { supervisor: program.pid, databaseUrl: program.running.embeddedUrl ?? '' };
    const load: ChatLoad = {
      url: program.httpUrl,
      users,
      rate: RATE,
      seconds,
      warmupSeconds: 0,
      streamsEach,
      watch,
      ...(rooms && { rooms }),
    };
    return inProcess<ChatResult>(new URL('./chat-load.ts', import.meta.url), load);
  };
  const { rooms } = await talk(2, 0); // opens the rooms, and warms up
  await settled(program);
  const seconds = Math.ceil(MESSAGES / RATE);
  const accept = ({ looks }: ChatResult): number =>
    looks === null ? Number.NaN : (cpuByStage(looks.before, looks.after).get('accept') ?? 0);
  const before = await look(program);
  const unheard = accept(await talk(seconds, 0, rooms));
  await settled(program);
  const costs = costsBetween(before, await look(program), seconds * RATE, idle);
  const heard = await talk(seconds, STREAMS_EACH, rooms);
  if (heard.failed > 0 || heard.delivered < heard.expected)
    throw new Error(`${heard.failed} failed, ${heard.delivered} of ${heard.expected} told`);
  const deliver = Math.max(0, accept(heard) - unheard) / heard.delivered;
  return { ...costs, perSecond: RATE, cpuMs: { ...costs.cpuMs, [DELIVER]: deliver } };
};
/** To one stream. */
export const DELIVER = 'tell one stream';

const mailInCosts = async (program: Program, issuer: TestIssuer, idle: Idle): Promise<MessageCosts> => {
  const email = 'reader@tidings.test';
  const token = await issuer.token({ sub: 'reader', name: 'Reader', email });
  const me = await fetch(new URL('/api/me', program.httpUrl), { headers: { authorization: `Bearer ${token}` } });
  if (((await me.json()) as Me).mailboxes.length === 0) throw new Error('the reader has no mailbox');
  const words = new Words();
  const text = (mail: number): string => words.some(new Dice(mail), TEXT_BYTES / 3);
  const load = { port: program.smtpPort, recipient: email, sessions: 4, bytes: TEXT_BYTES, text };
  await sendMails({ ...load, mails: Math.ceil(MAILS / 10) });
  await settled(program);
  const before = await look(program);
  await sendMails({ ...load, mails: MAILS });
  await settled(program);
  return costsBetween(before, await look(program), MAILS, idle);
};

const mailOutCosts = async (program: Program, sink: Awaited<ReturnType<typeof startSink>>, idle: Idle): Promise<MessageCosts> => {
  const queueing = await openQueueing(program);
  try {
    const send = async (mails: number): Promise<void> => {
      const before = sink.mails.length;
      await queueing.queue({ mails, recipients: 1, bytes: BYTES, atOnce: 8, signed: true });
      await sink.taken(before + mails);
      await settled(program);
    };
    await send(Math.ceil(MAILS / 10));
    const before = await look(program);
    await send(MAILS);
    return costsBetween(before, await look(program), MAILS, idle);
  } finally {
    await queueing.close();
  }
};
