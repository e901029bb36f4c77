/**
 * The engines beside the embedded default, in the same run: each event log is written by many callers, followed at its end and read from the first event
 * on; and the log relayed to Kafka is heard there beside who follows it where it lies. What an engine is not is said by its name.
 */
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { openKurrentLog } from '@tidings/infra/event-log/kurrentdb/kurrentdb-log';
import { openMemoryLog } from '@tidings/infra/event-log/memory/memory-log';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import type { EventLog } from '@tidings/contracts/ports/event-log';
import { KurrentProtocolServer } from '../tests/kit/kurrentdb-protocol.ts';
import { kurrentLacks, startKurrent } from '../tests/kit/kurrentdb.ts';
import { kafkaFigures } from './engines-kafka.ts';
import { appendFor, followAt, type Followed, replayFrom } from './engines-log.ts';
import type { Bench, Figure } from './harness.ts';
import { withPostgres } from './postgres.ts';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 10);
const WARM_UP_SECONDS = 1;

interface Measured {
  readonly name: string;
  readonly append: number;
  readonly followed: Followed;
  readonly replay: number;
}

export const enginesBench: Bench = {
  name: 'engines',
  run: async (say) => {
    const measure = async (name: string, log: EventLog): Promise<Measured> => {
      const start = await log.head(0);
      await appendFor(log, WARM_UP_SECONDS);
      const append = await appendFor(log, SECONDS);
      const replay = await replayFrom(log, start);
      const followed = await followAt(log, SECONDS);
      say(
        `${name}: ${append.toFixed(0)} events/s in, ${replay.toFixed(0)} out; followed after ${followed.p50.toFixed(1)} ms, p99 ${followed.p99.toFixed(1)} ms`,
      );
      return { name, append, followed, replay };
    };
    const postgres = await withPostgres(async (url) => {
      await migrateEventLog(url);
      return withLog(await openPostgresLog({ url }), (log) => measure('embedded Postgres', log));
    });
    const memory = await withLog(openMemoryLog(), (log) => measure('memory', log));
    const kurrent = await withKurrent((name, log) => measure(name, log));
    return [
      ...logFigures(postgres, null),
      ...[memory, kurrent].flatMap((one) => logFigures(one, postgres)),
      ...(await kafkaFigures(SECONDS, say)),
    ];
  },
};

const withLog = async <A>(log: EventLog, use: (log: EventLog) => Promise<A>): Promise<A> => {
  try {
    return await use(log);
  } finally {
    await log.close();
  }
};

/** A real one, where there is one. */
const withKurrent = async <A>(use: (name: string, log: EventLog) => Promise<A>): Promise<A> => {
  if ((await kurrentLacks()) === null) {
    const server = await startKurrent();
    try {
      return await withLog(await openKurrentLog({ url: server.url }), (log) => use(server.name, log));
    } finally {
      await server.stop();
    }
  }
  const protocol = new KurrentProtocolServer();
  await protocol.listen();
  try {
    return await withLog(await openKurrentLog({ url: protocol.url }), (log) =>
      use('the wire protocol of KurrentDB (a server in memory, not KurrentDB)', log),
    );
  } finally {
    protocol.stop();
  }
};

const logFigures = ({ name, append, followed, replay }: Measured, beside: Measured | null): readonly Figure[] => {
  const baseline = (value: number | undefined): Figure['baseline'] =>
    value === undefined ? null : { what: `${beside?.name ?? ''}, same run`, value };
  return [
    { what: `log on ${name}: append by many callers`, unit: 'events/s', value: append, must: null, baseline: baseline(beside?.append) },
    { what: '… replay, read only', unit: 'events/s', value: replay, must: null, baseline: baseline(beside?.replay) },
    {
      what: '… from append to who follows it, p99',
      unit: 'ms',
      value: followed.p99,
      must: null,
      baseline: baseline(beside?.followed.p99),
      note: `p50 ${followed.p50.toFixed(1)} ms; ${followed.events} events at an easy pace`,
    },
  ];
};
