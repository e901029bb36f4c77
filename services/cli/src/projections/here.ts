/** A projector inside the command line, for one build, when no other runs. */
import type { Projection } from '@tidings/contracts/projection';
import { type LogPlace, openLog } from '@tidings/infra/event-log/open';
import { createEventStore } from '@tidings/infra/event-store/store';
import { startProjector } from '@tidings/infra/projector/projector';
import { inProcessSignals } from '@tidings/infra/signals/in-process';
import { postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import type { Pool } from 'pg';
import { pino } from 'pino';

/** Works on all instances of `name` until stopped: the live one too, to compare with. Leases keep two such from doing it twice. */
export const runHere = async (
  { databaseUrl, eventLog: place }: { readonly databaseUrl: string; readonly eventLog: LogPlace },
  pool: Pool,
  projections: readonly Projection[],
  name: string,
): Promise<{ stop(): Promise<void> }> => {
  const logger = pino({ level: 'warn' }, pino.destination(2));
  const log = await openLog(place, { url: databaseUrl, logger });
  const projector = await startProjector({
    ...{ pool, log, projections, logger },
    events: createEventStore(log, postgresSubjectKeys({ pool })),
    signals: inProcessSignals(),
    only: (instance) => instance.name === name,
  });
  return {
    stop: async () => {
      await projector.stop();
      await log.close();
    },
  };
};
