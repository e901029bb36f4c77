/** The image process: does what it is asked, one job at a time, until its parent goes. */
import { kindOf } from './kind.ts';
import type { Job, JobResult } from './jobs.ts';
import { recodeMedia, recodeRoomImage } from './recode.ts';

const run = async ({ type, from, to }: Job): Promise<JobResult> => {
  if (type === 'room-image') return recodeRoomImage(from, to);
  const kind = await kindOf(from);
  switch (kind.type) {
    case 'picture':
      return recodeMedia(from, to);
    case 'file':
      return kind;
    case 'other-picture':
      return { type: 'refused', reason: `is ${kind.mimeType}, whose hidden data cannot be removed: send JPEG, PNG, WebP, GIF or AVIF` };
  }
};

const tell = (message: JobResult | 'ready'): void => void process.send?.(message);

process.on('disconnect', () => process.exit(0));
process.on('message', (job: Job) => void run(job).then(tell)); // a fault ends the process, and the parent knows what it was at
tell('ready');
