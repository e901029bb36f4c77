/** Removes bytes that nobody keeps, by hand: every blob is looked at. */
import { openPlatform } from '../../../platform/src/open.ts';
import { collectAll } from '../../../platform/src/collect-blobs.ts';
import { NotCaughtUp } from '../../../platform/src/unused-blobs.ts';
import type { Config } from '@tidings/infra/config/config';
import { pino } from 'pino';
import type { Out } from '../out.ts';
import { count } from '../progress.ts';

/** @returns 0 when all was looked at, 1 when read models are too far behind to tell */
export const collect = async (config: Config, isDry: boolean, out: Out): Promise<number> => {
  const platform = await openPlatform(config, { process: 'cli', logger: pino({ level: 'warn' }, pino.destination(2)), connections: 4 });
  let found = 0;
  try {
    await collectAll(
      platform,
      { keepUnusedMs: config.blobs.keepUnusedMs, now: platform.now() },
      {
        isDry,
        each: (id) => {
          found += 1;
          out.write(`${id}\n`);
        },
      },
    );
  } catch (error) {
    if (!(error instanceof NotCaughtUp)) throw error;
    out.write(`It cannot be told what is in use: ${error.message}. Is a projector running?\n`);
    return 1;
  } finally {
    await platform.close();
  }
  out.write(
    `${count(found)} ${found === 1 ? 'blob' : 'blobs'} that nobody keeps ${isDry ? 'would be' : found === 1 ? 'was' : 'were'} removed.\n`,
  );
  return 0;
};
