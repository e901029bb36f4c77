/**
 * SMTP ingress: 10 kB mails over 20 kept sessions by Postfix's own `smtp-source`, each durable before its 250. Baseline: Postfix on the same
 * machine, same load, delivering to a local Maildir. Both need Debian's `postfix` package; without it a small generator of ours measures Tidings
 * alone, and says so.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type Bench, type Figure } from './harness.ts';
import { startPostfix } from './postfix.ts';
import { sendMails } from './smtp-source.ts';
import { startProgram, type Program } from '../tests/kit/program.ts';

const MAILS = 20_000;
const WARM_UP = 2_000;
const BYTES = 10_240;
const SESSIONS = 20;
const SMTP_SOURCE = '/usr/sbin/smtp-source';

export const smtpBench: Bench = {
  name: 'smtp',
  run: async (say) => {
    const postfix = existsSync(SMTP_SOURCE) ? await measurePostfix(say) : null;
    const tidings = await measureTidings(say);
    const figure: Figure = {
      what: 'SMTP ingress: 10 kB, 20 kept sessions, durable before 250',
      unit: 'messages/s',
      value: tidings.rate,
      must: { atLeast: 1000 },
      baseline: postfix === null ? null : { what: 'Postfix', value: postfix },
      note: `${tidings.filed} of ${tidings.sent} in the inbox ${tidings.visibleAfter.toFixed(1)} s after the last 250${postfix === null ? '; load by our own generator, no Postfix here' : ''}`,
    };
    return [figure];
  },
};

/** Mails per second accepted by whoever listens on `port`. */
const load = async (port: number, recipient: string, mails: number): Promise<number> => {
  const start = performance.now();
  if (existsSync(SMTP_SOURCE)) {
    const args = [
      '-d',
      '-s',
      String(SESSIONS),
      '-m',
      String(mails),
      '-l',
      String(BYTES),
      '-f',
      'sender@example.org',
      '-t',
      recipient,
      `inet:127.0.0.1:${port}`,
    ];
    const child = spawn(SMTP_SOURCE, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
  } else {
    await sendMails({ port, recipient, mails, sessions: SESSIONS, bytes: BYTES });
  }
  return mails / ((performance.now() - start) / 1000);
};

const measureTidings = async (
  say: (line: string) => void,
): Promise<{ rate: number; sent: number; filed: number; visibleAfter: number }> => {
  const program = await startProgram({ env: { RATE_LIMITS: 'off' } });
  try {
    await load(program.smtpPort, 'alice@tidings.test', WARM_UP);
    const rate = await load(program.smtpPort, 'alice@tidings.test', MAILS);
    const accepted = performance.now();
    say(`Tidings accepted ${rate.toFixed(0)} mails/s`);
    const filed = await waitUntilFiled(program, WARM_UP + MAILS);
    return { rate, sent: WARM_UP + MAILS, filed, visibleAfter: (performance.now() - accepted) / 1000 };
  } finally {
    await program.stop();
  }
};

const waitUntilFiled = async (program: Program, expected: number): Promise<number> => {
  const headers = { authorization: `Bearer ${await program.token('alice')}` };
  const get = async (path: string): Promise<unknown> => (await fetch(new URL(path, program.httpUrl), { headers })).json();
  const me = (await get('/api/me')) as { mailboxes: readonly { id: string; kind: string }[] };
  const mailbox = me.mailboxes.find((candidate) => candidate.kind === 'personal');
  const deadline = performance.now() + 300_000;
  for (;;) {
    const { counts } = (await get(`/api/mailboxes/${mailbox?.id}`)) as { counts: { threads: number } };
    if (counts.threads >= expected || performance.now() > deadline) return counts.threads;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
};

const measurePostfix = async (say: (line: string) => void): Promise<number | null> => {
  const postfix = await startPostfix();
  if (postfix === null) {
    say('Postfix could not be started here (it needs root)');
    return null;
  }
  try {
    await load(postfix.port, postfix.recipient, WARM_UP);
    const rate = await load(postfix.port, postfix.recipient, MAILS);
    say(`Postfix accepted ${rate.toFixed(0)} mails/s`);
    return rate;
  } finally {
    await postfix.stop();
  }
};
