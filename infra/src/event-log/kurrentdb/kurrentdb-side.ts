/**
 * The log in KurrentDB as one end of a move. Its state stands in markers among the events; whoever appends looks at them behind its own event, so that what
 * was written behind a seal is never acknowledged, and never read (docs/decisions/058).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WrongExpectedVersionError } from '@eventstore/db-client';
import { type LoggedEvent, type Position, START } from '@tidings/contracts/ports/event-log';
import type { Logger } from 'pino';
import { type LogSide, MoveRefused } from '../moving/side.ts';
import { openKurrentParts } from './kurrentdb-log.ts';
import { LOOK_MS } from './markers.ts';
import { copyOf, recordedIn } from './records.ts';
import { mayPass, readStreamPage, unavailable, within } from './session.ts';

export interface KurrentSideOptions {
  readonly url: string;
  readonly logger?: Logger;
  /** How often nodes look for markers; default as `openKurrentLog`. */
  readonly lookMs?: number;
}

const TRY_MS = 5_000;
const RETRY = { times: 8, firstMs: 50 } as const;
/** Of one append; the server takes no more than a megabyte. */
const APPEND_BYTES = 512 * 1024;

/** @throws LogUnavailable when it does not answer */
export const openKurrentSide = async ({ url, logger, lookMs = LOOK_MS }: KurrentSideOptions): Promise<LogSide> => {
  const { log, client, markers, places } = await openKurrentParts({ url, tryMs: TRY_MS, ...(logger === undefined ? {} : { logger }) });
  let copied: Position | null = null;

  /** Until it works or does not pass. */
  const insist = async <A>(work: () => Promise<A>): Promise<A> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!mayPass(error) || attempt === RETRY.times) throw unavailable(error);
        await delay(RETRY.firstMs * 2 ** attempt);
      }
    }
  };
  const known = (): Promise<void> => insist(markers.refresh);
  /** Looked up before it is tried again: the answer may have been lost. */
  const write = (marker: Parameters<typeof markers.write>[0], isThere: () => boolean): Promise<void> =>
    insist(async () => {
      await markers.refresh();
      if (!isThere()) await markers.write(marker);
    });

  /** Of one stream, one behind the other. */
  const copyRun = async (run: readonly LoggedEvent[]): Promise<void> => {
    const [first] = run;
    if (first === undefined) return;
    const { stream, revision } = first;
    await insist(async () => {
      const sent = client.appendToStream(stream, run.map(copyOf), {
        expectedRevision: revision === 0 ? 'no_stream' : BigInt(revision - 1),
        deadline: TRY_MS,
      });
      sent.catch(() => undefined); // may come after we gave up on it
      try {
        await within(TRY_MS, sent);
      } catch (error) {
        if (!(error instanceof WrongExpectedVersionError)) throw error;
        const there = await readStreamPage(client, stream, { from: revision, limit: run.length, ms: TRY_MS });
        const isThere = run.every(({ id }, at) => there[at] !== undefined && recordedIn(there[at])?.event.id === id);
        if (!isThere)
          throw new MoveRefused(
            `stream ${stream} of the KurrentDB holds, at revision ${revision}, what is not in the log: it was written to by somebody else, or after the log had been moved away. Move into an empty KurrentDB`,
          );
      }
    });
  };

  return {
    name: 'kurrentdb',
    log,
    state: async () => {
      await known();
      return markers.state;
    },

    hold: async () => {
      const wasHeld = markers.isHeld();
      await insist(async () => {
        await markers.refresh();
        await markers.write({ type: 'LogHeld' });
      });
      if (!wasHeld) await delay(2 * lookMs);
    },
    release: () => write({ type: 'LogReleased' }, () => !markers.isHeld()),
    seal: (to) => write({ type: 'LogSealed', to }, () => markers.state !== 'open'),

    receive: async () => {
      await known();
      const position = await log.head(0);
      if (markers.state === 'open' && position !== START)
        throw new MoveRefused('the log in KurrentDB is in use and holds events of its own: nothing can be moved into it');
      await write({ type: 'LogReceiving', position }, () => markers.state === 'receiving');
    },
    copy: async (events) => {
      copied ??= await log.head(0);
      for (const run of runsOf(events.filter(({ position }) => position > (copied ?? START)))) {
        await copyRun(run);
        copied = run.at(-1)?.position ?? copied;
      }
    },
    readBack: async (after, limit) => {
      const page = await log.readAll(0, after, limit);
      const last = page.events.at(-1);
      if (last !== undefined) await insist(async () => places.mark({ position: last.position, at: await places.before(last.position) }));
      return page;
    },
    open: async () => {
      const position = await log.head(0);
      await write({ type: 'LogOpened', position }, () => markers.state === 'open');
    },
    close: () => log.close(),
  };
};

/** Neighbours of the same stream go in one append: one after the other is all that keeps their order for certain. */
const runsOf = (events: readonly LoggedEvent[]): readonly (readonly LoggedEvent[])[] => {
  const runs: LoggedEvent[][] = [];
  let bytes = 0;
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event.data));
    const run = runs.at(-1);
    bytes += size;
    if (run !== undefined && run.at(-1)?.stream === event.stream && bytes <= APPEND_BYTES) run.push(event);
    else {
      runs.push([event]);
      bytes = size;
    }
  }
  return runs;
};
