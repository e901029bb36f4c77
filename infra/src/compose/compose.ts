/** Writing mail, in worker threads with limits of time and memory, as reading it is (`mime.ts`). */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { ComposedMail, MailToCompose } from './mail.ts';

export type { ComposedMail, MailFile, MailToCompose } from './mail.ts';

export interface Composer {
  /** @throws ComposingFailed */
  compose(mail: MailToCompose): Promise<ComposedMail>;
  /** HTML that is safe to send and to show; doing it again changes nothing. @throws ComposingFailed */
  clean(html: string): Promise<string>;
  /** HTML as plain text. @throws ComposingFailed */
  text(html: string): Promise<string>;
  close(): Promise<void>;
}

/** What was to be written is beyond the limits: too deep, too slow, too large. */
export class ComposingFailed extends Error {
  override readonly name = 'ComposingFailed';
}

const TIMEOUT_MS = 20_000;
const HEAP_MB = 512;
/** Below this the thread's way there and back takes longer than the work. */
const AT_HAND_CHARS = 2_000;

export const openComposer = ({ threads = 2 }: { readonly threads?: number } = {}): Composer => {
  const pool = new Piscina({
    filename: fileURLToPath(import.meta.resolve('./worker.ts')),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 32 },
  });
  // An error outside of a task (a thread that died while idle) has no caller to tell; the pool replaces the thread.
  pool.on('error', () => undefined);

  const run = async <A>(name: string, task: unknown): Promise<A> => {
    try {
      return (await pool.run(task, { name, signal: AbortSignal.timeout(TIMEOUT_MS) })) as A; // what `worker.ts` gives under this name
    } catch (cause) {
      throw new ComposingFailed('a mail could not be written within the limits', { cause });
    }
  };
  return {
    compose: (mail) => run<ComposedMail>('compose', mail),
    clean: async (html) =>
      html.trim() === '' ? '' : html.length < AT_HAND_CHARS ? (await import('./worker.ts')).clean(html) : run('clean', html),
    text: async (html) => (html.length < AT_HAND_CHARS ? (await import('./worker.ts')).text(html) : run('text', html)),
    close: () => pool.close(),
  };
};
