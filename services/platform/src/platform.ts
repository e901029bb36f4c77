/**
 * What every service is given: the ports, already wired to adapters. `openPlatform` (open.ts) is the only place that chooses them.
 */
import type { WordIndex } from '@tidings/contracts/ports/word-index';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { EventLog } from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import type { LiveSchema } from '@tidings/contracts/projection';
import type { Commands } from '@tidings/infra/commands/commands';
import type { Config } from '@tidings/infra/config/config';
import type { EventStore } from '@tidings/infra/event-store/event-store';
import type { Freshness } from '@tidings/infra/projector/freshness';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { DatabasePool } from 'slonik';
import type { Pool } from 'pg';

export interface Platform {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly log: EventLog;
  readonly events: EventStore;
  readonly commands: Commands;
  readonly keys: SubjectKeys;
  readonly blobs: BlobStore;
  /** Where searches find words beside Postgres; null: Postgres finds them. */
  readonly wordIndex: WordIndex | null;
  readonly signals: Signals;
  /** Read models by slonik: `sql` queries from `projections`, rows decoded by io-ts. */
  readonly read: DatabasePool;
  /** The same, for `sql.prepared` queries that come with every message or mail, and whose plan is the same whatever is asked for. */
  readonly often: DatabasePool;
  /** Plain pg, for the runtime's own tables and for projections' writes. */
  readonly pool: Pool;
  readonly liveSchema: LiveSchema;
  /** Read models that exist in more than one version just now: queries of one may meet the tables of another. */
  readonly changingReadModels: () => readonly string[];
  /** Waits until named projections have applied a position. */
  readonly freshness: Freshness;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly close: () => Promise<void>;
}

/** A service that runs in this process. `tidings serve` starts one or many of them. */
export interface Service {
  readonly name: string;
  readonly health: () => ServiceHealth;
  /** Finishes what is in hand, then stops. */
  readonly stop: () => Promise<void>;
}

/** `idle` waits for work, `behind` works off a backlog, `stuck` has made no progress for too long, `not-owner` leaves it to another node. */
export interface ServiceHealth {
  readonly state: 'starting' | 'idle' | 'working' | 'behind' | 'stuck' | 'not-owner' | 'failed';
  readonly lastProgressAt: number | null;
  readonly waitingOn: string | null;
  readonly detail?: Readonly<Record<string, unknown>>;
}
