/**
 * SPF, DKIM, DMARC and ARC, by mailauth, in worker threads. A mail waits for DNS within a budget; what is not known then is `none`. What needs
 * no question is not asked: most of the mail in our own network costs one look at its header. Threads remember answers for a minute.
 */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import type { Authentication } from '@tidings/contracts/events/email';
import { DnsFailure, type Dns, type DnsRecord, type DnsType } from '@tidings/contracts/ports/dns';
import type { MailAuthenticator, MailClient } from '@tidings/contracts/ports/mail-checks';
import ipaddr from 'ipaddr.js';
import { Piscina } from 'piscina';
import type { ReplyMail } from '../mime/read-reply.ts';
import { firstThread } from '../threads/first-thread.ts';
import type { CheckedReply } from './reply-worker.ts';
import { checkable } from './signed.ts';
import { verdictOf, type Findings } from './verdict.ts';
import type { Task, ThreadData } from './worker.ts';

/** Of a thread about one of its mails. */
export interface Question {
  readonly mail: number;
  /** Of the mail's own. */
  readonly nth: number;
  readonly domain: string;
  readonly type: DnsType;
}
/** Also for a question of somebody else: a thread passes over what it does not wait for. */
export type Answer = Pick<Question, 'mail' | 'nth'> & Answered;
export type Answered = { readonly records: readonly DnsRecord[] } | { readonly code: string };

export interface MailAuthOptions {
  readonly dns: Dns;
  readonly trustedSealers?: readonly string[];
  readonly threads?: number;
  /** For DNS, per mail. */
  readonly budgetMs?: number;
  /** For everything, per mail, from when there is a thread: hostile ones end here. */
  readonly timeoutMs?: number;
}

/** What a mail says, and who it is from. */
export interface KnownReply {
  readonly reply: ReplyMail;
  readonly authentication: Authentication;
}

export interface ReplyAuthenticator extends MailAuthenticator {
  /**
   * `authenticate` and reading (`Mime.reply`) in one trip to a thread, which for a short answer cost more than either. Null for what has to go the two
   * ways by itself: nothing is to be checked, the mail is large, or it broke its thread.
   */
  authenticateAndRead(raw: Uint8Array, client: MailClient): Promise<KnownReply | null>;
}

export const UNKNOWN: Authentication = { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none', verdict: 'none' };

/** Mails that wait for DNS while a thread works on others. */
const PER_THREAD = 8;
/** Larger ones are read where a thread has more memory, and only one mail at a time. */
const MAX_READ_BYTES = 256 * 1024;
const workerFile = (name: string): string => fileURLToPath(import.meta.resolve(name));
const REPLY_WORKER = workerFile('./reply-worker.ts');

export const openMailAuth = (options: MailAuthOptions): ReplyAuthenticator => {
  const { dns, trustedSealers = [], threads = availableParallelism(), budgetMs = 2_000, timeoutMs = 10_000 } = options;
  const dnsChannel = `mail-auth ${randomUUID()}`;
  const pool = new Piscina({
    filename: workerFile('./worker.ts'),
    minThreads: 0,
    maxThreads: threads,
    concurrentTasksPerWorker: PER_THREAD,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 },
    workerData: { dnsChannel } satisfies ThreadData,
  });
  pool.on('error', () => undefined); // a thread that dies is replaced; its tasks fail by themselves
  const underWay: UnderWay = new Map();
  const stopAnswering = answerOver(dnsChannel, dns, budgetMs, underWay);
  let mails = 0;
  const started = firstThread(pool);

  const run = async <A>(one: Omit<Task, 'mail'>, runnable: { readonly name: string; readonly filename?: string }): Promise<A> => {
    mails += 1;
    const task = { mail: mails, ...one };
    await started();
    underWay.set(task.mail, null);
    try {
      return (await pool.run(task, { ...runnable, signal: AbortSignal.timeout(timeoutMs) })) as A; // what the one of that name returns
    } finally {
      underWay.delete(task.mail);
    }
  };
  /** Null when there is nothing to check. */
  const taskOf = (raw: Uint8Array, client: MailClient): Omit<Task, 'mail'> | null => {
    const { isSigned, bytes } = checkable(raw);
    // RFC 7208 §2.2 is about mail that enters from outside; a record never lists our own network.
    const spf = isOutside(client.address);
    return spf || isSigned ? { raw: bytes, client, spf } : null;
  };

  return {
    authenticate: async (raw, client) => {
      const task = taskOf(raw, client);
      if (task === null) return UNKNOWN;
      try {
        return verdictOf(await run<Findings>(task, { name: 'check' }), { trustedSealers });
      } catch {
        return UNKNOWN; // it broke or outlasted its checker
      }
    },
    authenticateAndRead: async (raw, client) => {
      const task = raw.byteLength > MAX_READ_BYTES ? null : taskOf(raw, client);
      if (task === null) return null;
      try {
        const both = { ...task, whole: task.raw === raw ? null : raw };
        const { findings, reply } = await run<CheckedReply>(both, { name: 'checkAndRead', filename: REPLY_WORKER });
        return { reply, authentication: verdictOf(findings, { trustedSealers }) };
      } catch {
        return null;
      }
    },
    close: async () => {
      await pool.close();
      stopAnswering();
    },
  };
};

/**
 * Until when each mail waits for DNS. The start of a thread, or a queue before it, is no fault of DNS: time runs from the first question, and is null
 * before.
 */
type UnderWay = Map<number, number | null>;

/** One channel for all threads and mails: opening one for each mail cost as much as checking it. @returns how to stop */
const answerOver = (name: string, dns: Dns, budgetMs: number, underWay: UnderWay): (() => void) => {
  const channel = new BroadcastChannel(name);
  channel.unref();
  channel.addEventListener('message', (event) => {
    const { mail, nth, domain, type } = (event as MessageEvent).data as Question; // the threads alone know the name
    const known = underWay.get(mail);
    if (known === undefined) return; // nobody waits for it any more
    const until = known ?? performance.now() + budgetMs;
    underWay.set(mail, until);
    const answered = (answer: Answered): void => {
      if (!underWay.has(mail)) return;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel of worker_threads, which has no origins
      channel.postMessage({ mail, nth, ...answer } satisfies Answer);
    };
    within(until, dns.resolve(domain, type)).then(
      (records) => answered({ records }),
      (error: unknown) => answered({ code: error instanceof DnsFailure ? error.code : 'ETIMEOUT' }),
    );
  });
  return () => {
    underWay.clear();
    channel.close();
  };
};

const INSIDE = new Set(['unspecified', 'loopback', 'private', 'linkLocal', 'uniqueLocal', 'carrierGradeNat']);
const isOutside = (address: string): boolean => ipaddr.isValid(address) && !INSIDE.has(ipaddr.process(address).range());

/** @throws Error when the time is over first */
const within = async <A>(until: number, work: Promise<A>): Promise<A> => {
  work.catch(() => undefined); // may come after we stopped listening
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('over')), Math.max(0, until - performance.now()));
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
};
