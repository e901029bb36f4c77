/** Reads messages back from the timeline. Requests that end in the same turn of the event loop share one query. */
import type { MessageId } from '@tidings/contracts/ids';
import type { Entry } from '@tidings/projections/chat-view/index';
import { entriesById } from '@tidings/projections/timeline/index';
import type { Platform } from '../../../platform/src/platform.ts';

/** The message as the timeline has it; undefined when it is not there (its room was closed meanwhile). */
export type ReadBack = (id: MessageId) => Promise<Entry | undefined>;

interface Waiting {
  readonly id: MessageId;
  readonly resolve: (entry: Entry | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export const createReadBack = (platform: Platform): ReadBack => {
  let waiting: Waiting[] = [];

  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    try {
      const ids = [...new Set(batch.map(({ id }) => id))];
      const entries = await platform.often.any(entriesById(platform.liveSchema('timeline'), ids));
      const found = new Map(entries.map((entry) => [entry.messageId, entry]));
      for (const { id, resolve } of batch) resolve(found.get(id));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  return (id) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (waiting.length === 1) setImmediate(() => void flush());
    });
};
