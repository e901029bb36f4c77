/**
 * One appender process of the chaos test. Many callers append in every way there is, and each outcome goes to standard output as it is
 * known, so that what was acknowledged is known even when this process is killed.
 *
 *   A <stream> <revision> <position> <id>,<id>…   acknowledged
 *   U <stream>                                   outcome unknown: may be there, must not be doubled
 *   V <sentence>                                 an answer that must not be given
 */
import { randomUUID } from 'node:crypto';
import type { EventId, StreamId } from '@tidings/contracts/ids';
import { type AppendResult, type Expected, LogUnavailable, type NewEvent } from '@tidings/contracts/ports/event-log';
import { openPostgresLog, type PostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';

export interface AppenderTask {
  readonly url: string;
  /** Letters, the start of the names of its streams. */
  readonly name: string;
  /** Acknowledged events after which it ends. */
  readonly events: number;
  readonly callers: number;
  /** Ends after this time in any case. */
  readonly withinMs: number;
}

const task = JSON.parse(process.argv[2] ?? '{}') as AppenderTask; // written by append-chaos.test.ts
const until = performance.now() + task.withinMs;
/** Its connections may be cut off as it opens, too: then it is opened again, as a process is started again. */
const openUnderFire = async (): Promise<PostgresLog> => {
  for (;;) {
    try {
      return await openPostgresLog({ url: task.url, deadlineMs: 60_000 });
    } catch (error) {
      if (!(error instanceof LogUnavailable) || performance.now() > until) throw error;
    }
  }
};
const log = await openUnderFire();
let acknowledged = 0;
let made = 0;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const someEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, () => ({
    id: randomUUID() as string as EventId,
    type: 'Happened',
    version: 1,
    data: { by: task.name, padding: 'x'.repeat(300) },
    meta: {},
  }));

/** The result, or null when nobody knows. */
const append = async (stream: StreamId, expected: Expected, events: readonly NewEvent[]): Promise<AppendResult | null> => {
  try {
    const result = await log.append(stream, expected, events);
    if (result.type !== 'conflict') {
      acknowledged += events.length;
      say(`A ${stream} ${result.revision} ${result.position} ${events.map(({ id }) => id).join(',')}`);
    }
    return result;
  } catch (error) {
    if (!(error instanceof LogUnavailable)) throw error;
    if (expected !== 'any') say(`V ${stream} gave up: ${String(error.cause)}`);
    if (error.outcome === 'unknown') say(`U ${stream}`);
    return null;
  }
};

/** Every second one is asked again, as if its answer had been lost. */
const fresh = async (): Promise<void> => {
  made += 1;
  const stream = `fresh-${task.name}${made}` as StreamId;
  const events = someEvents(1 + (made % 4));
  const first = await append(stream, 'none', events);
  if (first?.type === 'conflict') say(`V ${stream} was taken`);
  if (made % 2 === 0 || first === null || first.type === 'conflict') return;
  const again = await log.append(stream, 'none', events).catch(() => null);
  if (again !== null && (again.type !== 'duplicate' || again.position !== first.position || again.revision !== first.revision)) {
    say(`V a retry on ${stream} gave ${JSON.stringify(again)} after ${JSON.stringify(first)}`);
  }
};

const caller = async (number: number): Promise<void> => {
  const own = `own-${task.name}${number}` as StreamId;
  let ownRevision = -1;
  let raceRevision = -1;
  for (let turn = 0; acknowledged < task.events && performance.now() < until; turn += 1) {
    const race = `race-${(number + turn) % 7}` as StreamId;
    switch (turn % 8) {
      case 0:
        await append(`shared-${(number + turn) % 20}` as StreamId, 'any', someEvents(2));
        break;
      case 1: {
        const result = await append(race, raceRevision < 0 ? 'none' : { revision: raceRevision }, someEvents(1));
        if (result !== null) raceRevision = (result.type === 'conflict' ? result.current : result.revision) ?? -1;
        break;
      }
      case 2:
      case 3:
      case 4: {
        const result = await append(own, ownRevision < 0 ? 'none' : { revision: ownRevision }, someEvents(3));
        if (result?.type === 'conflict') say(`V ${own} moved under its only writer`);
        else if (result !== null) ownRevision = result.revision;
        break;
      }
      default:
        await fresh();
    }
  }
};

await Promise.all(Array.from({ length: task.callers }, (_, number) => caller(number)));
await log.close();
