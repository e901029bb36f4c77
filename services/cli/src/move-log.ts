/** `tidings migrate --from … --to …`: moves the log while it is in use, with a bar, and switches over. May be killed and run again. */
import type { Config } from '@tidings/infra/config/config';
import { cancelMove, type MoveReport, moveLog } from '@tidings/infra/event-log/moving/move-log';
import { type LogPlace, openSide } from '@tidings/infra/event-log/open';
import { openPool } from '@tidings/infra/postgres/pools';
import { createLogger } from '@tidings/infra/telemetry/logger';
import { parseArgs } from 'node:util';
import { migrate } from './migrate.ts';
import type { Out } from './out.ts';
import { bar, CLEAR_LINE, count, duration } from './progress.ts';

/** Gives the work the database of this installation, and what it is configured to be. */
export type WithDatabase = (work: (databaseUrl: string, config: Config) => Promise<number>) => Promise<number>;

const HELP = `tidings migrate: the schema, and where the log is

  migrate                                 bring the database's schema up to date
  migrate --from postgres --to kurrentdb  move the log while it is in use, and switch over; the other way round as well. KURRENTDB_URL says where
      --copy-only                           copy and compare, but do not switch: a later run has less to do
      --cancel                              give the move up: the log stays where it was
`;

const NAMES = ['postgres', 'kurrentdb'] as const;
const isName = (text: string | undefined): text is LogPlace['type'] => NAMES.some((name) => name === text);

interface Asked {
  readonly from: LogPlace['type'];
  readonly to: LogPlace['type'];
  readonly copyOnly: boolean;
  readonly cancel: boolean;
}

/** @returns the exit code: 0 done, 1 stopped before the switch, 2 wrong arguments. @throws MoveRefused */
export const moveCommand = async (args: readonly string[], stdout: Out, withDatabase: WithDatabase): Promise<number> => {
  const asked = parse(args);
  if (typeof asked !== 'string') return withDatabase((databaseUrl, config) => move(asked, databaseUrl, config, stdout));
  stdout.write(`${asked === '' ? '' : `${asked}\n\n`}${HELP}`);
  return asked === '' ? 0 : 2;
};

const move = async (asked: Asked, databaseUrl: string, config: Config, stdout: Out): Promise<number> => {
  const logger = createLogger({ level: 'error', process: 'migrate' });
  await migrate(databaseUrl, logger);
  const pool = openPool({ url: databaseUrl, name: 'tidings migrate', max: 3, logger });
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const ends: { close(): Promise<void> }[] = [];
  try {
    const open = async (type: LogPlace['type']) => {
      const side = await openSide({ type, kurrentdb: config.eventLog.kurrentdb }, { url: databaseUrl, logger });
      ends.push(side);
      return side;
    };
    const parts = { pool, source: await open(asked.from), target: await open(asked.to) };
    if (asked.cancel) {
      await cancelMove(parts);
      stdout.write(`The log is in ${asked.from}, as before.\n`);
      return 0;
    }
    const report = reportTo(stdout, asked);
    const moved = await moveLog({ ...parts, report, signal: stopping.signal, copyOnly: asked.copyOnly });
    if (stdout.isTTY === true) stdout.write(CLEAR_LINE);
    stdout.write(`${endOf(moved, asked)}\n`);
    return moved.outcome === 'stopped' ? 1 : 0;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    for (const end of ends) await end.close();
    await pool.end();
  }
};

const endOf = ({ outcome, streams, events, heldMs }: Awaited<ReturnType<typeof moveLog>>, { from, to }: Asked): string => {
  const same = `${count(events)} events of ${count(streams)} streams, the checksum of every stream the same in both logs.`;
  switch (outcome) {
    case 'switched':
      return `${same}\nThe log is in ${to} now. Nothing was taken for ${(heldMs / 1000).toFixed(1)} s; start every node with EVENT_LOG=${to}.`;
    case 'already':
      return `The log is in ${to} already; start every node with EVENT_LOG=${to}.`;
    case 'copied':
      return `${same}\nThe log is still in ${from}; run this again without --copy-only to switch over.`;
    case 'stopped':
      return `${same}\nStopped; the log is still in ${from}. Run this again to go on.`;
  }
};

const DRAW_EVERY_MS = 100;
const LINE_EVERY_PERCENT = 5;

/** Per cent by positions, which both logs have alike; the rate is that of this run. */
const reportTo = (out: Out, { to }: Asked): MoveReport => {
  const startedAt = Date.now();
  let [drawnAt, said] = [0, -LINE_EVERY_PERCENT];
  let first: { readonly at: number; readonly events: number } | null = null;
  return {
    copied: (cursor, head, events) => {
      const done = Math.min(1, numberOf(cursor) / Math.max(1, numberOf(head)));
      first ??= { at: done, events };
      const seconds = Math.max(0.001, (Date.now() - startedAt) / 1000);
      const rate = (events - first.events) / seconds;
      const left = done >= 1 || done <= first.at ? '' : `  ${duration(((1 - done) / (done - first.at)) * seconds)} left`;
      const text = `${(done * 100).toFixed(1)} %  ${count(events)} events  ${count(Math.round(rate))}/s${left}`;
      if (out.isTTY === true) {
        if (Date.now() - drawnAt < DRAW_EVERY_MS && done < 1) return;
        drawnAt = Date.now();
        out.write(`${CLEAR_LINE}${bar(done, text, out.columns ?? 80)}`);
      } else if (done * 100 >= said + LINE_EVERY_PERCENT) {
        said = done * 100 - ((done * 100) % LINE_EVERY_PERCENT);
        out.write(`${text}\n`);
      }
    },
    held: () =>
      void out.write(`${out.isTTY === true ? CLEAR_LINE : ''}The copy keeps up; appends are held while the rest goes to ${to}.\n`),
  };
};

/** Of a position of either log: its first part is what counts here. */
const numberOf = (position: string): number => Number.parseInt(position, 10);

/** @returns what is wrong, '' for a question */
const parse = (args: readonly string[]): Asked | string => {
  if (args.length === 1 && ['help', '--help', '-h'].includes(args[0] ?? '')) return '';
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        'copy-only': { type: 'boolean', default: false },
        cancel: { type: 'boolean', default: false },
      },
    });
    const { from, to } = values;
    if (!isName(from) || !isName(to) || from === to) return `--from and --to must be one of ${NAMES.join(', ')} each, and not the same`;
    return { from, to, copyOnly: values['copy-only'], cancel: values.cancel };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};
