/**
 * SPF, DKIM, DMARC and ARC, by mailauth, in worker threads. A mail waits for DNS within a budget; what is not known then is `none`. What needs
 * no question is not asked: most of the mail in our own network costs one look at its header.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import type { Authentication } from '@tidings/contracts/events/email';
import { DnsFailure, type Dns, type DnsRecord, type DnsType } from '@tidings/contracts/ports/dns';
import type { MailAuthenticator, MailClient } from '@tidings/contracts/ports/mail-checks';
import ipaddr from 'ipaddr.js';
import { Piscina } from 'piscina';
import { checkable } from './signed.ts';
import { verdictOf, type Findings } from './verdict.ts';
import type { Task } from './worker.ts';

export interface Question {
  readonly id: number;
  readonly domain: string;
  readonly type: DnsType;
}
export type Answer = { readonly id: number; readonly records: readonly DnsRecord[] } | { readonly id: number; readonly code: string };

export interface MailAuthOptions {
  readonly dns: Dns;
  readonly trustedSealers?: readonly string[];
  readonly threads?: number;
  /** For DNS, per mail. */
  readonly budgetMs?: number;
  /** For everything, per mail: hostile ones end here. */
  readonly timeoutMs?: number;
}

export const UNKNOWN: Authentication = { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none', verdict: 'none' };

/** Mails that wait for DNS while a thread works on others. */
const PER_THREAD = 8;

export const openMailAuth = (options: MailAuthOptions): MailAuthenticator => {
  const { dns, trustedSealers = [], threads = availableParallelism(), budgetMs = 2_000, timeoutMs = 10_000 } = options;
  const pool = new Piscina({
    filename: fileURLToPath(import.meta.resolve('./worker.ts')),
    minThreads: 0,
    maxThreads: threads,
    concurrentTasksPerWorker: PER_THREAD,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 },
  });
  pool.on('error', () => undefined); // a thread that dies is replaced; its tasks fail by themselves

  const find = async (raw: Uint8Array, client: MailClient, spf: boolean): Promise<Findings> => {
    const { port1, port2 } = new MessageChannel();
    /** The start of a thread, or a queue before it, is no fault of DNS: time runs from the first question. */
    let until: number | null = null;
    port1.on('message', ({ id, domain, type }: Question) => {
      until ??= performance.now() + budgetMs;
      const answered = (answer: Answer): void => port1.postMessage(answer);
      within(until, dns.resolve(domain, type)).then(
        (records) => answered({ id, records }),
        (error: unknown) => answered({ id, code: error instanceof DnsFailure ? error.code : 'ETIMEOUT' }),
      );
    });
    try {
      const task: Task = { raw, client, spf, dns: port2 };
      return (await pool.run(task, { name: 'check', transferList: [port2], signal: AbortSignal.timeout(timeoutMs) })) as Findings; // what `check` returns
    } finally {
      port1.close();
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
    close: () => pool.close(),
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
