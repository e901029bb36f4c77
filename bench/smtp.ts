/**
 * SMTP ingress: mails of three sizes over one, twenty and a hundred kept sessions, each durable before its 250; and how soon after its 250 a mail
 * is visible. Baseline: Postfix on the same machine, same load, delivering to a local Maildir. Load by Postfix's own `smtp-source` for what fits
 * its one body of a single letter; large mails, which are to be hard to compress, by a generator of ours, which does all where Debian's `postfix`
 * package is not installed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type Figure } from './harness.ts';
import { sendMails } from './smtp-source.ts';
import { measureVisible, VISIBLE_MAILS } from './smtp-visible.ts';
import { postfixLacks, startPostfix } from '../tests/kit/postfix.ts';
import { type Program, startProgram } from '../tests/kit/program.ts';

interface Cell {
  readonly size: '2 kB' | '10 kB' | '1 MiB';
  readonly sessions: 1 | 20 | 100;
  /** A few seconds' worth. */
  readonly mails: number;
}

const BYTES = { '2 kB': 2_048, '10 kB': 10_240, '1 MiB': 1_048_576 };
/** Less (BENCH_SHARE, of 1) for a quick look while working on it. */
const SHARE = Number(process.env['BENCH_SHARE'] ?? 1);
const ALL: readonly Cell[] = [
  { size: '10 kB', sessions: 20, mails: 10_000 },
  { size: '2 kB', sessions: 1, mails: 800 },
  { size: '2 kB', sessions: 20, mails: 5_000 },
  { size: '2 kB', sessions: 100, mails: 5_000 },
  { size: '10 kB', sessions: 1, mails: 800 },
  { size: '10 kB', sessions: 100, mails: 5_000 },
  { size: '1 MiB', sessions: 1, mails: 40 },
  { size: '1 MiB', sessions: 20, mails: 120 },
  { size: '1 MiB', sessions: 100, mails: 200 },
];
const shareOf = (cell: Cell): Cell => ({ ...cell, mails: Math.ceil(cell.mails * SHARE) });
const CELLS = ALL.map(shareOf);
const [MAIN] = CELLS;
const WARM_UP = shareOf({ size: '10 kB', sessions: 20, mails: 2_000 });
const SMTP_SOURCE = '/usr/sbin/smtp-source';
const LEFT_FOR_FILING_MS = 300_000;

export const smtpBench: Bench = {
  name: 'smtp',
  run: async (say) => {
    const postfix = existsSync(SMTP_SOURCE) ? await measurePostfix(say) : null;
    const { rates, filing, visible } = await measureTidings(say);
    const cells = CELLS.map((cell, at): Figure => {
      const baseline = postfix?.[at];
      return {
        what: `SMTP ingress: ${cell.size}, ${cell.sessions} kept session${cell.sessions === 1 ? '' : 's'}, durable before 250`,
        unit: 'messages/s',
        value: rates[at] ?? Number.NaN,
        must: cell === MAIN ? { atLeast: 1000 } : null,
        baseline: baseline === undefined ? null : { what: 'Postfix', value: baseline },
        note: cell === MAIN ? `${filing}${postfix === null ? '; load by our own generator, no Postfix here' : ''}` : '',
      };
    });
    return [...cells, ...visible];
  },
};

/** Mails per second accepted by whoever listens on `port`. */
const load = async (port: number, recipient: string, { size, sessions, mails }: Cell): Promise<number> => {
  const start = performance.now();
  if (existsSync(SMTP_SOURCE) && size !== '1 MiB') {
    const numbers = ['-s', String(sessions), '-m', String(mails), '-l', String(BYTES[size])];
    const args = ['-d', ...numbers, '-f', 'sender@example.org', '-t', recipient, `inet:127.0.0.1:${port}`];
    const child = spawn(SMTP_SOURCE, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
  } else {
    await sendMails({ port, recipient, mails, sessions, bytes: BYTES[size] });
  }
  return mails / ((performance.now() - start) / 1000);
};

/** Each cell on a server that has nothing left to do from the one before. */
const measureCells = async (
  who: string,
  server: { readonly port: number; readonly recipient: string; readonly settled: () => Promise<void> },
  say: (line: string) => void,
): Promise<readonly number[]> => {
  await load(server.port, server.recipient, WARM_UP);
  await server.settled();
  const rates: number[] = [];
  for (const cell of CELLS) {
    const rate = await load(server.port, server.recipient, cell);
    rates.push(rate);
    const accepted = performance.now();
    await server.settled();
    const after = (performance.now() - accepted) / 1000;
    say(`${who} accepted ${rate.toFixed(0)} mails/s of ${cell.size} over ${cell.sessions}; all delivered ${after.toFixed(1)} s later`);
  }
  return rates;
};

const measureTidings = async (
  say: (line: string) => void,
): Promise<{ rates: readonly number[]; filing: string; visible: readonly Figure[] }> => {
  const program = await startProgram({ env: { RATE_LIMITS: 'off', SMTP_MAX_SESSIONS_PER_CLIENT: '1000' } });
  try {
    const batches = [WARM_UP, ...CELLS].map(({ mails }) => mails);
    let batch = 0;
    // Before the crowds: they leave work behind for a while.
    const visible = await measureVisible(program, say);
    let sent = VISIBLE_MAILS;
    let filing = '';
    const settled = async (): Promise<void> => {
      sent += batches[batch] ?? 0;
      const began = performance.now();
      const filed = await waitUntilFiled(program, sent);
      // The first behind the warm-up is the one that has to reach its figure.
      if (batch === 1) filing = `${filed} of ${sent} in the inbox ${((performance.now() - began) / 1000).toFixed(1)} s after the last 250`;
      batch += 1;
    };
    const rates = await measureCells('Tidings', { port: program.smtpPort, recipient: 'alice@tidings.test', settled }, say);
    return { rates, filing, visible };
  } finally {
    await program.stop();
  }
};

const waitUntilFiled = async (program: Program, expected: number): Promise<number> => {
  const headers = { authorization: `Bearer ${await program.token('alice')}` };
  /** Null while the API asks to come back later. */
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(new URL(path, program.httpUrl), { headers });
    if (!response.ok && response.status !== 503) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
    return response.ok ? response.json() : null;
  };
  const me = (await get('/api/me')) as { mailboxes: readonly { id: string; kind: string }[] };
  const mailbox = me.mailboxes.find((candidate) => candidate.kind === 'personal');
  const deadline = performance.now() + LEFT_FOR_FILING_MS;
  for (;;) {
    const shown = (await get(`/api/mailboxes/${mailbox?.id}`)) as { counts: { threads: number } } | null;
    const threads = shown?.counts.threads ?? 0;
    if (threads >= expected || performance.now() > deadline) return threads;
    await delay(100); // a figure of a whole crowd of mails, not a moment
  }
};

const measurePostfix = async (say: (line: string) => void): Promise<readonly number[] | null> => {
  const lack = postfixLacks();
  if (lack !== null) {
    say(`Postfix is ${lack}`);
    return null;
  }
  const postfix = await startPostfix({ virtual_mailbox_domains: 'bench.test' });
  try {
    return await measureCells('Postfix', { port: postfix.port, recipient: 'inbox@bench.test', settled: () => postfix.settled() }, say);
  } finally {
    await postfix.stop();
  }
};
