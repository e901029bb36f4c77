/**
 * Mail going out: messages a second to Postfix's `smtp-sink` for 1, 10 and 100 recipients each, from the first that is accepted to the last that is
 * there, beside Postfix as a relay under the same load; how long a mail takes from its acceptance to the other server's `250`; and what a queue of a
 * million deferred recipients costs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Me } from '@tidings/contracts/http/mail-objects';
import { childPid } from '../tests/kit/child-pid.ts';
import { postfixLacks, startPostfix } from '../tests/kit/postfix.ts';
import { type Program, startProgram } from '../tests/kit/program.ts';
import { startSink } from '../tests/kit/smtp-sink.ts';
import { openQueueing } from './egress-load.ts';
import { egressQueueFigures } from './egress-queue.ts';
import { type Bench, type Figure, percentile, sortedCopy } from './harness.ts';
import { hasSmtpSink, type RunningSink, startSmtpSink } from './smtp-sink.ts';

/** Of one recipient each; fewer of those with more. */
const MAILS = Number(process.env['BENCH_MAILS'] ?? 10_000);
const CELLS = [
  { recipients: 1, mails: MAILS },
  { recipients: 10, mails: Math.ceil(MAILS / 2) },
  { recipients: 100, mails: Math.ceil(MAILS / 10) },
] as const;
const BYTES = 10_240;
/** To the sink at once, and mails that are being handed over at once. */
const SESSIONS = 20;
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 30);
/** Measured without signatures, too, for a comparison of like with like: the relay beside signs nothing. */
const UNSIGNED = process.env['BENCH_UNSIGNED'] === 'on';
/** Easy to carry: what is looked at is a mail by itself. */
const LATENCY_RATE = 20;

export const egressBench: Bench = {
  name: 'egress',
  run: async (say) => [...(await rates(say)), ...(await latency(say)), ...(await egressQueueFigures(say))],
};

interface Rate {
  readonly perSecond: number;
  /** Of the sending process; null for Postfix, which has many. */
  readonly cpuMs: number | null;
}

const rates = async (say: (line: string) => void): Promise<readonly Figure[]> => {
  if (!hasSmtpSink()) {
    say('rates: not measured, there is no smtp-sink here (Debian: postfix)');
    return [];
  }
  const lack = postfixLacks();
  if (lack !== null) say(`Postfix is ${lack}`);
  const relayed = lack === null ? await withSink((sink) => postfixRates(sink, say)) : null;
  const signed = await withSink((sink) => ownRates(sink, true, say));
  const unsigned = UNSIGNED ? await withSink((sink) => ownRates(sink, false, say)) : [];
  return [...figuresOf(signed, relayed, true), ...figuresOf(unsigned, relayed, false)];
};

const figuresOf = (own: readonly Rate[], relayed: readonly Rate[] | null, isSigned: boolean): readonly Figure[] =>
  own.map(({ perSecond, cpuMs }, at): Figure => {
    const { recipients, mails } = CELLS[at] ?? { recipients: Number.NaN, mails: Number.NaN };
    const baseline = relayed?.[at];
    return {
      what: `SMTP egress: ${mails.toLocaleString('en-US')} mails of 10 kB to ${recipients} recipient${recipients === 1 ? '' : 's'} each, recorded before and after${isSigned ? '' : ', unsigned'}`,
      unit: 'messages/s',
      value: perSecond,
      must: null,
      baseline: baseline === undefined ? null : { what: 'Postfix as a relay', value: baseline.perSecond },
      note: `${isSigned ? 'signed with RSA and Ed25519, which the baseline does not do' : 'unsigned, as the baseline'}${cpuMs === null ? '' : `; ${cpuMs.toFixed(2)} ms of CPU a mail in the sending process`}`,
    };
  });

const withSink = async <A>(use: (sink: RunningSink) => Promise<A>): Promise<A> => {
  const sink = await startSmtpSink();
  try {
    return await use(sink);
  } finally {
    await sink.stop();
  }
};

/** Mails a second of each cell, after a warm-up. */
const measured = async (
  who: string,
  sink: RunningSink,
  hand: (cell: { readonly recipients: number; readonly mails: number }) => Promise<void>,
  cpuMs: () => number | null,
  say: (line: string) => void,
): Promise<readonly Rate[]> => {
  const told: Rate[] = [];
  for (const [at, cell] of [{ recipients: 1, mails: Math.ceil(MAILS / 10) }, ...CELLS].entries()) {
    const before = { at: performance.now(), cpu: cpuMs(), mails: sink.mails() };
    await Promise.all([hand(cell), sink.took(before.mails + cell.mails)]);
    const perSecond = cell.mails / ((performance.now() - before.at) / 1_000);
    const cpu = cpuMs();
    if (at === 0) continue;
    const rate = { perSecond, cpuMs: cpu === null || before.cpu === null ? null : (cpu - before.cpu) / cell.mails };
    say(
      `${who}: ${perSecond.toFixed(0)} mails/s to ${cell.recipients}${rate.cpuMs === null ? '' : `, ${rate.cpuMs.toFixed(2)} ms of CPU each`}`,
    );
    told.push(rate);
  }
  return told;
};

const postfixRates = async (sink: RunningSink, say: (line: string) => void): Promise<readonly Rate[]> => {
  const postfix = await startPostfix({
    ...{
      relayhost: `[127.0.0.1]:${sink.port}`,
      default_destination_concurrency_limit: String(SESSIONS),
      smtp_dns_support_level: 'disabled',
    },
    ...{ initial_destination_concurrency: String(SESSIONS), default_destination_recipient_limit: '100', smtpd_recipient_limit: '1000' },
  });
  const hand = async ({ recipients, mails }: { readonly recipients: number; readonly mails: number }): Promise<void> => {
    const numbers = ['-s', String(SESSIONS), '-m', String(mails), '-l', String(BYTES), '-r', String(recipients)];
    const args = ['-d', ...numbers, '-f', 'sender@bench.test', '-t', 'r@sink.example', `inet:127.0.0.1:${postfix.port}`];
    const [code] = (await once(spawn('/usr/sbin/smtp-source', args, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit')) as [number];
    if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
  };
  try {
    return await measured('Postfix', sink, hand, () => null, say);
  } finally {
    await postfix.stop();
  }
};

const ownRates = async (sink: RunningSink, signed: boolean, say: (line: string) => void): Promise<readonly Rate[]> => {
  const program = await startProgram({
    env: {
      SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}?tls=none`,
      EGRESS_SESSIONS_PER_DESTINATION: String(SESSIONS),
      PROCESSES: 'several',
    },
  });
  try {
    const queueing = await openQueueing(program);
    try {
      return await measured(
        signed ? 'Tidings' : 'Tidings, unsigned',
        sink,
        (cell) => queueing.queue({ ...cell, bytes: BYTES, atOnce: SESSIONS, signed }),
        () => egressCpuMs(program),
        say,
      );
    } finally {
      await queueing.close();
    }
  } finally {
    await program.stop();
  }
};

/** Of the process that sends, since it began. */
const egressCpuMs = (program: Program): number | null => {
  const pid = childPid(program.pid, 'egress');
  if (pid === null) return null;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const TICK_MS = 10;
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

/** From the `202` of the API to the `250` of the other server, one mail after the other at an easy pace. */
const latency = async (say: (line: string) => void): Promise<readonly Figure[]> => {
  const arrived = new Map<string, number>();
  const sink = await startSink({
    onMessage: ({ to: [to = ''] }) => {
      arrived.set(to, performance.now());
      return undefined;
    },
  });
  const program = await startProgram({
    env: { SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}?tls=none`, RATE_LIMITS: 'off', PROCESSES: 'several' },
  });
  try {
    const headers = { authorization: `Bearer ${await program.token('alice')}`, 'content-type': 'message/rfc822' };
    const me = (await (await fetch(`${program.httpUrl}/api/me`, { headers: { authorization: headers.authorization } })).json()) as Me; // its contract
    const [mailbox] = me.mailboxes;
    if (mailbox === undefined) throw new Error('alice has no mailbox');
    const accepted = new Map<string, number>();
    const submit = async (n: number): Promise<void> => {
      const to = `r${n}@sink.example`;
      const body = `From: ${mailbox.address}\r\nTo: ${to}\r\nSubject: bench ${n}\r\n\r\n${'Words and words.\r\n'.repeat(100)}`;
      const answer = await fetch(`${program.httpUrl}/api/mailboxes/${mailbox.id}/submit`, {
        method: 'POST',
        body,
        headers: { ...headers, 'x-rcpt-to': to },
      });
      if (answer.status !== 202) throw new Error(`submit answered ${answer.status}: ${await answer.text()}`);
      accepted.set(to, performance.now());
    };
    const WARM_UP = 20;
    const count = WARM_UP + SECONDS * LATENCY_RATE;
    const under: Promise<void>[] = [];
    for (let n = 0; n < count; n += 1) {
      under.push(submit(n));
      await delay(1_000 / LATENCY_RATE);
    }
    await Promise.all(under);
    await sink.taken(count);
    // It may be there before its 202 is.
    const waits = [...accepted].slice(WARM_UP).map(([to, at]) => Math.max(0, (arrived.get(to) ?? Number.NaN) - at));
    const sorted = sortedCopy(waits);
    say(
      `accepted to remote 250 at ${LATENCY_RATE}/s: p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p99 ${percentile(sorted, 0.99).toFixed(1)} ms`,
    );
    return [0.5, 0.99].map((p): Figure => ({
      what: `SMTP egress: from the API’s 202 to the other server’s 250, ${LATENCY_RATE} mails/s, p${p * 100}`,
      ...{ unit: 'ms', value: percentile(sorted, p), baseline: null, must: null },
    }));
  } finally {
    await program.stop();
    await sink.close();
  }
};
