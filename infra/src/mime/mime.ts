/**
 * Understanding mail without trusting it: every mail is read in a worker thread with a limit of time and memory (architecture §1). A
 * mail that passes a limit or crashes its reader gets a plain view instead; nothing a mail contains makes `parse` fail.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { MailReport } from '../mail-report/report.ts';
import { firstThread } from '../threads/first-thread.ts';
import { pack, ready, type ReadyMail, type ReadyMails, unpack } from './many.ts';
import { plainReply, readPlainly } from './fallback.ts';
import type { ParsedMail } from './read-mail.ts';
import type { ReplyMail } from './read-reply.ts';

export type { MailContent } from './content.ts';
export type { ReadyMail } from './many.ts';
export { resolvePartLinks } from './part-links.ts';
export { withRemoteImages } from './remote-images.ts';
export type { Bodies, BodyValue, ParsedMail } from './read-mail.ts';
export type { HeadField, ReplyMail } from './read-reply.ts';
export { readBodies, storeBodies, type StoredBodies } from './stored-bodies.ts';

export interface MimeOptions {
  /** Worker threads; one per core unless said. */
  readonly threads?: number;
  /** Per mail, from when a thread takes it up. */
  readonly timeoutMs?: number;
  /** Heap of a thread; the mail's own bytes lie outside of it. */
  readonly maxHeapMb?: number;
}

export interface Mime {
  /** Never rejects for what is in the mail; `fault` says what could not be read. */
  parse(raw: Uint8Array): Promise<ParsedMail>;
  /**
   * The same for several mails that are small: one trip to a thread for all. Time and memory are theirs together; where they do not suffice, each is
   * read by itself.
   */
  parseMany(raws: readonly Uint8Array[]): Promise<readonly ReadyMail[]>;
  /** As a message of a conversation; never rejects either. */
  reply(raw: Uint8Array): Promise<ReplyMail>;
  /** Bytes of one part, decoded; null when there is none of that id or it cannot be read within the limits. */
  part(raw: Uint8Array, partId: string): Promise<Uint8Array | null>;
  /** What a mail reports of another one; null when it reports nothing, or cannot be read within the limits. */
  report(raw: Uint8Array): Promise<MailReport | null>;
  /** Waits for what is in hand. */
  close(): Promise<void>;
}

export const openMime = ({ threads = availableParallelism(), timeoutMs = 10_000, maxHeapMb = 512 }: MimeOptions = {}): Mime => {
  const pool = new Piscina({
    filename: fileURLToPath(import.meta.resolve('./worker.ts')),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: 32 },
  });
  // An error outside of a task (a thread that died while idle) has no caller to tell; the pool replaces the thread.
  pool.on('error', () => undefined);
  const slots = slotsOf(threads);
  const started = firstThread(pool);

  /** The clock starts when a thread is free, so that a queue never looks like a slow mail. */
  const run = <A>(name: string, task: unknown, transferList: readonly ArrayBuffer[] = []): Promise<A> =>
    slots(async () => {
      await started();
      return (await pool.run(task, { name, signal: AbortSignal.timeout(timeoutMs), transferList: [...transferList] })) as A;
    });
  const parse = (raw: Uint8Array): Promise<ParsedMail> =>
    run<ParsedMail>('parse', raw).catch((error: unknown) => readPlainly(raw, `could not be read: ${reason(error, timeoutMs)}`));

  return {
    parse,
    parseMany: async (raws) => {
      const [first] = raws;
      if (first === undefined) return [];
      if (raws.length === 1) return [ready(await parse(first))];
      const packed = pack(raws);
      const read = await run<ReadyMails>('parseMany', packed, [packed.bytes.buffer]).catch(() => null);
      if (read === null) return Promise.all(raws.map(async (raw) => ready(await parse(raw))));
      const stored = unpack(read.stored);
      return read.mails.map((mail, nth) => ({ ...mail, stored: stored[nth] ?? new Uint8Array(0) }));
    },
    reply: (raw) =>
      run<ReplyMail>('reply', raw).catch((error: unknown) => plainReply(raw, `could not be read: ${reason(error, timeoutMs)}`)),
    part: (raw, partId) => run<Uint8Array | null>('part', { raw, partId }).catch(() => null),
    report: (raw) => run<MailReport | null>('report', raw).catch(() => null),
    close: () => pool.close(),
  };
};

const reason = (error: unknown, timeoutMs: number): string => {
  if (!(error instanceof Error)) return 'unknown fault';
  return error.name === 'AbortError' ? `took longer than ${timeoutMs} ms` : error.message;
};

/** At most `count` at once, in the order they came. */
const slotsOf = (count: number): (<A>(work: () => Promise<A>) => Promise<A>) => {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
};
