/** Makes partitions before the log reaches them, off the appends' path. */
import type pg from 'pg';
import type { Logger } from 'pino';

export interface Partitions {
  /** The log has come this far. Starts work when less than half a partition is left ahead; never waits for it. */
  reached(position: number): void;
  /** Now, because an append found none. */
  addNow(): Promise<void>;
}

export const createPartitions = (
  pool: pg.Pool,
  options: { readonly span: number; readonly ceiling: number; readonly logger: Logger | undefined },
): Partitions => {
  const { span, logger } = options;
  let { ceiling } = options; // positions below it have a partition
  let running: Promise<void> | null = null;

  const add = async (): Promise<void> => {
    try {
      const { rows } = await pool.query<{ ceiling: number }>(
        'select log.add_partitions((select max(position) from log.shard_head) + $1, $1) ceiling',
        [span],
      );
      ceiling = rows[0]?.ceiling ?? ceiling;
      logger?.info({ ceiling }, 'the log has partitions ahead');
    } catch (error) {
      logger?.error({ err: error, ceiling }, 'partitions of the log could not be made; trying again with the next append');
    }
  };
  const addOnce = (): Promise<void> => {
    running ??= add().finally(() => {
      running = null;
    });
    return running;
  };

  return {
    reached: (position) => {
      if (position > ceiling - span / 2 && running === null) void addOnce();
    },
    addNow: addOnce,
  };
};
