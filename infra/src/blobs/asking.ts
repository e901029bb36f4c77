/** What all of the Postgres blob store's questions have in common. */
import { BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';

/** Whatever Postgres or the way to it refuses is `BlobStoreUnavailable`; other errors (a peer that hung up) stay themselves. */
export const asking = async <A>(query: Promise<A>): Promise<A> => {
  try {
    return await query;
  } catch (cause) {
    throw new BlobStoreUnavailable('asking Postgres for blobs', { cause });
  }
};

/** For this transaction only, and asked of each row because the statement must name it somewhere. */
export const RELAXED = "set_config('synchronous_commit', 'off', true) = 'off'";
