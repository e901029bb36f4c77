/**
 * A read model as a value (architecture §4). The runtime in `infra` owns loops, transactions, checkpoints, leases and versions; a
 * projection owns its tables, how events change them, and its queries.
 */
import type { EventType, Recorded } from './events/index.ts';
import type { SqlSession } from './ports/sql.ts';

export interface Projection {
  readonly name: string;
  /** Raise it when the tables or their meaning change; the new version is built beside the old one. */
  readonly version: number;
  readonly handles: readonly EventType[];
  /** People wait for it as it happens: under load its pages come before those of the others, which gather more. */
  readonly urgent?: true;
  /** Hardly a command waits for it: it gathers a good deal more than the others, also where events come one by one. */
  readonly unhurried?: true;
  /** DDL for everything it owns. `schema` is a quoted identifier of a Postgres schema made for this instance alone. */
  readonly tables: (schema: string) => string;
  /** Indexes that a replay builds at its end, because it is faster without them. Those that `apply` needs belong into `tables`. */
  readonly indexes?: (schema: string) => string;
  /**
   * Applies a page: events this projection handles, in log order, each exactly once. Runs inside the transaction that also moves the
   * checkpoint. Fold in memory first, then one statement per table. Depends on nothing but the events and its own tables.
   */
  readonly apply: (page: readonly Recorded[], tx: ProjectionTx) => Promise<void>;
  /** Another version of the same name is to take over: this one goes on while there is an instance of it, and none is made. */
  readonly former?: true;
  /** Of what it keeps elsewhere: removes what retired instances left there. Again for the same ones changes nothing. @param schemas without quotes */
  readonly removeRetired?: (schemas: readonly string[]) => Promise<void>;
  /** The same: what a build lacks there, in a sentence, although its tables are whole; null when nothing is missing. @param schema quoted */
  readonly whatIsMissing?: (schema: string, db: SqlSession) => Promise<string | null>;
}

export interface ProjectionTx extends SqlSession {
  /** Quoted schema of this instance. */
  readonly schema: string;
}

/** Which Postgres schema serves a projection's readers right now. */
export type LiveSchema = (projection: string) => string;
