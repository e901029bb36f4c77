/**
 * Pictures from strangers, made harmless: decoded and encoded anew within limits of pixels, time and memory, in processes of their own
 * (docs/decisions/014). Nothing that a file contains makes more than its own request fail.
 */
import type { Job, JobResult, Picture } from './jobs.ts';
import { TIME_LIMIT_MS } from './limits.ts';
import { type Processor, startProcessor } from './processor.ts';

export { ImagesUnavailable } from './processor.ts';
export { MAX_PIXELS, ROOM_IMAGE_SIDE } from './limits.ts';
export type { Picture } from './jobs.ts';

export interface ImagesOptions {
  /** Files handled at once, each in a process of its own. */
  readonly processes?: number;
  /** Per file, from when a process takes it up. */
  readonly timeoutMs?: number;
  /** Files that may wait; more are turned away. */
  readonly maxWaiting?: number;
  /** A process without work ends after this. */
  readonly idleMs?: number;
}

/** A picture in the file at `path`. */
export interface NewPicture extends Picture {
  readonly path: string;
}
export type Seen = ({ readonly type: 'picture' } & NewPicture) | { readonly type: 'file'; readonly mimeType: string };

export interface Images {
  /**
   * A JPEG of 500×500, or smaller when the picture was. The new file lies beside the old one.
   * @throws ImageRefused, ImagesBusy, ImagesUnavailable
   */
  roomImage(path: string): Promise<NewPicture>;
  /**
   * What a file is by its content; a picture comes out encoded anew beside it.
   * @throws ImageRefused (only for pictures), ImagesBusy, ImagesUnavailable
   */
  media(path: string): Promise<Seen>;
  /** Waits for what is in hand. */
  close(): Promise<void>;
}

/** The message ends the sentence "the file …" and is for whoever sent it. */
export class ImageRefused extends Error {
  override readonly name = 'ImageRefused';
}
export class ImagesBusy extends Error {
  override readonly name = 'ImagesBusy';
}

/** Processes start with the first file. */
export const openImages = ({ processes = 2, timeoutMs = TIME_LIMIT_MS, maxWaiting = 50, idleMs = 30_000 }: ImagesOptions = {}): Images => {
  const idle: { readonly processor: Processor; readonly timer: NodeJS.Timeout }[] = [];
  const waiting: (() => void)[] = [];
  const inHand = new Set<Promise<unknown>>();
  let free = processes;

  const take = async (): Promise<Processor> => {
    if (free > 0) free -= 1;
    else if (waiting.length >= maxWaiting) throw new ImagesBusy(`${maxWaiting} files are waiting`);
    else await new Promise<void>((resolve) => waiting.push(resolve));
    for (let known = idle.pop(); known !== undefined; known = idle.pop()) {
      clearTimeout(known.timer);
      if (known.processor.isAlive()) return known.processor;
    }
    return startProcessor();
  };
  const giveBack = (processor: Processor): void => {
    if (processor.isAlive()) {
      const timer = setTimeout(() => {
        idle.splice(
          idle.findIndex((one) => one.processor === processor),
          1,
        );
        void processor.end();
      }, idleMs);
      idle.push({ processor, timer: timer.unref() });
    }
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const work = async (job: Job): Promise<Exclude<JobResult, { type: 'refused' }>> => {
    const processor = await take();
    try {
      const result = (await processor.run(job, timeoutMs)) ?? OVER_THE_LIMITS;
      if (result.type === 'refused') throw new ImageRefused(result.reason);
      return result;
    } finally {
      giveBack(processor);
    }
  };
  const run = (type: Job['type'], path: string): Promise<Seen> => {
    const to = `${path}.new`;
    const done = work({ type, from: path, to }).then((result): Seen =>
      result.type === 'picture' ? { type: 'picture', path: to, ...result.picture } : result,
    );
    inHand.add(done);
    void done.catch(() => undefined).finally(() => inHand.delete(done));
    return done;
  };

  return {
    roomImage: async (path) => {
      const seen = await run('room-image', path);
      if (seen.type === 'file') throw new Error('a room image came back as a file');
      return seen;
    },
    media: (path) => run('media', path),
    close: async () => {
      await Promise.allSettled(inHand);
      await Promise.all(
        idle.splice(0).map(({ processor, timer }) => {
          clearTimeout(timer);
          return processor.end();
        }),
      );
    },
  };
};

const OVER_THE_LIMITS: JobResult = { type: 'refused', reason: 'takes more time or memory to decode than there is for one' };
