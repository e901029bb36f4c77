/**
 * Connections that broke. A server that crashed may have lost commits that did not wait for the disk (read models, the checkpoints of process
 * managers), so whoever remembers such a commit has to look again what there is.
 */
import pg from 'pg';

/** @returns what ends it */
export const onLoss = (pool: pg.Pool, listener: () => void): (() => void) => {
  /** `null` from `pool.query`, whatever its types say. */
  const onRelease = (broken: Error | boolean | null | undefined): void => {
    if (broken instanceof Error ? !isRefusal(broken) : broken === true) listener();
  };
  pool.on('error', listener);
  pool.on('release', onRelease);
  return () => {
    pool.off('error', listener);
    pool.off('release', onRelease);
  };
};

/** The server's answer to a statement, on a connection that goes on. It says so too (class 57P) when it ends the connection. */
const isRefusal = (error: Error): boolean => error instanceof pg.DatabaseError && error.code?.startsWith('57P') === false;
