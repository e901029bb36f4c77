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
import { firstThread } from '../threads/first-thread.ts';
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

export const UNKNOWN: Authentication = { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none', verdict: 'none' };

/** Mails that wait for DNS while a thread works on others. */
const PER_THREAD = 8;

export const openMailAuth = (options: MailAuthOptions): MailAuthenticator => {
  const { dns, trustedSealers = [], threads = availableParallelism(), budgetMs = 2_000, timeoutMs = 10_000 } = options;
  const dnsChannel = `mail-auth ${randomUUID()}`;
  const pool = new Piscina({
    filename: fileURLToPath(import.meta.resolve('./worker.ts')),
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

  const find = async (raw: Uint8Array, client: MailClient, spf: boolean): Promise<Findings> => {
    mails += 1;
    const mail = mails;
    await started();
    underWay.set(mail, null);
    try {
      const task: Task = { mail, raw, client, spf };
      return (await pool.run(task, { name: 'check', signal: AbortSignal.timeout(timeoutMs) })) as Findings; // what `check` returns
    } finally {
      underWay.delete(mail);
    }
  };

  return {
    authenticate: async (raw, client) => {
      const { isSigned, bytes } = checkable(raw);
      // RFC 7208 §2.2 is about mail that enters from outside; a record never lists our own network.
      const spf = isOutside(client.address);
      if (!spf && !isSigned) return UNKNOWN;
      try {
        return verdictOf(await find(bytes, client, spf), { trustedSealers });
      } catch {
        return UNKNOWN; // it broke or outlasted its checker
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
