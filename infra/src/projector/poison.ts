/**
 * What a failed page means. Transient: the world (connection, deadlock, restart), try again for ever. Structural: the projection or its
 * tables are wrong as a whole, so parking streams would park them all; try again slowly and show it. Poison: this page holds an event
 * that the projection cannot apply; find its stream and park it.
 */
import type { Recorded } from '@tidings/contracts/events/index';

export type Failure = 'transient' | 'structural' | 'poison';

/** SQLSTATE classes (PostgreSQL, appendix A): connection, rollback, resources, intervention, system, object not in state. */
const TRANSIENT_CLASSES: ReadonlySet<string> = new Set(['08', '40', '53', '55', '57', '58']);
/** Invalid schema or database name, syntax error or undefined object, read-only or aborted transaction. */
const STRUCTURAL_CLASSES: ReadonlySet<string> = new Set(['3D', '3F', '42', '25', '26']);
const SYSTEM_ERRORS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT', // the socket of a server that is being restarted
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);
/** pg and pg-pool report a lost connection by text only. */
const LOST_CONNECTION =
  /^(Connection terminated|timeout exceeded when trying to connect|Client was closed|Client has encountered|Query read timeout)/;

/** By name, as an error of ours may come from another process. */
const AWAY: ReadonlySet<string> = new Set(['LogUnavailable', 'BlobStoreUnavailable', 'WordIndexUnavailable']);

export const classify = (error: unknown): Failure => {
  if (!(error instanceof Error)) return 'poison';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (SYSTEM_ERRORS.has(code) || LOST_CONNECTION.test(error.message)) return 'transient';
  if (AWAY.has(error.name)) return 'transient';
  if (error.name === 'WordIndexMissing') return 'structural';
  if (!/^[0-9A-Z]{5}$/.test(code)) return 'poison';
  if (TRANSIENT_CLASSES.has(code.slice(0, 2))) return 'transient';
  return STRUCTURAL_CLASSES.has(code.slice(0, 2)) ? 'structural' : 'poison';
};

/**
 * The first event that makes the page fail, by halving: of the prefixes tried, the longest that works ends right before it.
 * @param works applies a prefix and rolls back; throws what is not the page's fault
 */
export const findCulprit = async (
  page: readonly Recorded[],
  works: (prefix: readonly Recorded[]) => Promise<boolean>,
): Promise<Recorded | null> => {
  let good = 0;
  let bad = page.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await works(page.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return page[bad - 1] ?? null;
};
