/** Replays one projection in a process of its own, so that its memory is its own. */
import { createEventStore } from '@tidings/infra/event-store/store';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { openPool } from '@tidings/infra/postgres/pools';
import { startProjector } from '@tidings/infra/projector/projector';
import { registerProjections } from '@tidings/infra/projector/registry';
import { replay } from '@tidings/infra/projector/transitions';
import { inProcessSignals } from '@tidings/infra/signals/in-process';
import { postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { pino } from 'pino';
import { projections } from '../services/projector/src/projections.ts';

export interface ReplayOrder {
  readonly url: string;
  readonly projection: string;
}

export interface ReplayResult {
  readonly rate: number;
  /** Of the replaying process, per event; Postgres has its own. */
  readonly cpuMicroseconds: number;
  readonly quarterMegabytes: number;
  readonly peakMegabytes: number;
}

const WATCH_MS = 20;
const megabytes = (): number => process.memoryUsage.rss() / 2 ** 20;

const run = async ({ url, projection: name }: ReplayOrder): Promise<ReplayResult> => {
  const projection = projections.find((candidate) => candidate.name === name);
  if (projection === undefined) throw new Error(`there is no projection ${name}`);
  const logger = pino({ level: 'warn' });
  const pool = openPool({ url, name: 'bench replay', max: 8, logger });
  const log = await openPostgresLog({ url, logger });
  const signals = inProcessSignals();
  await registerProjections(pool, [projection]);
  const building = await replay(pool, projection, { restart: true });
  const head = await log.head(0);
  const total = log.distance('0000000000000000' as typeof head, head) ?? 0;
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  const projector = await startProjector({
    pool,
    log,
    events: createEventStore(log, postgresSubjectKeys({ pool })),
    projections: [projection],
    signals,
    logger,
    only: (instance) => instance.schemaName === building.schemaName,
  });
  let quarter = 0;
  let peak = 0;
  for (;;) {
    const now = megabytes();
    peak = Math.max(peak, now);
    const { rows } = await pool.query<{ position: string }>('select position from projection.checkpoint where name = $1', [
      building.schemaName,
    ]);
    const position = Number(rows[0]?.position ?? 0);
    if (quarter === 0 && position >= total / 4) quarter = now;
    if (position >= total) break;
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  }
  const rate = total / ((performance.now() - start) / 1000);
  const cpu = process.cpuUsage(cpuBefore);
  const cpuMicroseconds = (cpu.user + cpu.system) / total;
  await projector.stop();
  await log.close();
  await signals.close();
  await pool.end();
  return { rate, cpuMicroseconds, quarterMegabytes: quarter, peakMegabytes: peak };
};

process.once('message', (order: ReplayOrder) => {
  run(order).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});
