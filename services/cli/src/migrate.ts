/** Brings every schema up to date, in one place. Each step is idempotent, goes only forward, and guards itself against others doing the same. */
import { migrateBlobs } from '@tidings/infra/blobs/postgres';
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { openPool } from '@tidings/infra/postgres/pools';
import { migratePresence } from '@tidings/infra/presence/migrations';
import { migrateProjector } from '@tidings/infra/projector/migrations';
import { migrateSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { migrateOutbound } from '@tidings/infra/webhooks/migrations';
import type { Logger } from 'pino';
import { migrateFiling } from '../../filing/src/migrations.ts';
import { migrateImporter } from '../../importer/src/in-hand.ts';
import { migrateNotifier } from '../../notifier/src/migrations.ts';
import { migrateGateway } from '../../platform/src/gateway/imap-account.ts';
import { migrateEgress } from '../../smtp-egress/src/migrations.ts';
import { migrateOps } from '../../ops/src/migrations.ts';

export const migrate = async (databaseUrl: string, logger: Logger): Promise<void> => {
  const pool = openPool({ url: databaseUrl, name: 'tidings migrate', max: 2, logger });
  try {
    const steps = [
      migrateEventLog,
      migrateSubjectKeys,
      migrateBlobs,
      migrateProjector,
      migratePresence,
      migrateOutbound,
      migrateFiling,
      migrateImporter,
      migrateNotifier,
      migrateEgress,
      migrateGateway,
      migrateOps,
    ];
    for (const step of steps) await step(pool);
  } finally {
    await pool.end();
  }
};
