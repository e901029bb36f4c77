/** How long after its 250 a mail is visible: told by the live stream, and answered by REST. At an easy pace, one mail after another. */
import { liveEvents } from '@tidings/contracts/client/events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Figure, percentile, sortedCopy } from './harness.ts';
import { openMailSession } from './smtp-source.ts';
import type { Program } from '../tests/kit/program.ts';

const MAILS = 300;
/** Sent before them: a process that has just been started compiles what it runs, and its threads start. */
const WARM_UP = 150;
/** What the mailbox has more behind it. */
export const VISIBLE_MAILS = WARM_UP + MAILS;
const EVERY_MS = 40;
const BYTES = 10_240;
/** The first pause between two questions; later ones are a tenth of the wait so far. */
const ASK_AGAIN_MS = 2;
/** Behind the last 250. Whatever is not visible by then is lost, which no figure may hide. */
const LEFT_MS = 60_000;

export const measureVisible = async (program: Program, say: (line: string) => void): Promise<readonly Figure[]> => {
  const token = await program.token('alice');
  const told = new Map<string, PromiseWithResolvers<number>>();
  const toldOf = (id: string): PromiseWithResolvers<number> => {
    const known = told.get(id) ?? Promise.withResolvers<number>();
    told.set(id, known);
    return known;
  };
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const listening = (async (): Promise<void> => {
    for await (const { event } of liveEvents({
      baseUrl: program.httpUrl,
      token: () => token,
      signal: stop.signal,
      onOpen: opened.resolve,
    })) {
      if (event?.type === 'EmailReceived') toldOf(event.emailId).resolve(performance.now());
    }
  })();
  await opened.promise;

  const isShown = async (id: string): Promise<boolean> => {
    const response = await fetch(`${program.httpUrl}/api/emails/${id}`, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    return response.status === 200;
  };
  /** Asked for once the stream has told of it: asking all the time would be most of the load that is measured. */
  const shown = async (id: string): Promise<number> => {
    await toldOf(id).promise;
    const began = performance.now();
    while (!(await isShown(id))) await delay(Math.max(ASK_AGAIN_MS, (performance.now() - began) / 10));
    return performance.now();
  };

  const session = await openMailSession(program.smtpPort, { recipient: 'alice@tidings.test', bytes: BYTES });
  const samples: Promise<{ sse: number; rest: number }>[] = [];
  for (let mail = 0; mail < VISIBLE_MAILS; mail += 1) {
    const next = delay(EVERY_MS);
    const id = /queued as (\S+)/.exec(await session.send(mail))?.[1] ?? '';
    const accepted = performance.now();
    samples.push(Promise.all([toldOf(id).promise, shown(id)]).then(([sse, rest]) => ({ sse: sse - accepted, rest: rest - accepted })));
    await next;
  }
  const delays = (await Promise.race([Promise.all(samples), late()])).slice(WARM_UP);
  await session.close();
  stop.abort();
  await listening;
  return (['sse', 'rest'] as const).map((way) => {
    const sorted = sortedCopy(delays.map((one) => one[way]));
    const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
    const name = way === 'sse' ? 'SSE' : 'REST';
    say(`from 250 to ${name}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    return {
      what: `Mail visible by ${name} after its 250, 25 mails/s of 10 kB, p99`,
      unit: 'ms',
      value: p99,
      must: null,
      baseline: null,
      note: `p50 ${p50.toFixed(1)} ms`,
    };
  });
};

const late = async (): Promise<never> => {
  await delay(LEFT_MS, undefined, { ref: false });
  throw new Error(`not all mails are visible ${LEFT_MS / 1000} s after the last 250`);
};
