/** `tidings blobs …`: what an operator may ask of stored bytes. Safe beside a Tidings that runs. */
import { type OpenedBlobs, openBlobs } from '@tidings/infra/blobs/open';
import type { BlobStorage } from '@tidings/infra/config/blob-storage';
import type { Config } from '@tidings/infra/config/config';
import { openPool } from '@tidings/infra/postgres/pools';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import type { Out } from '../out.ts';
import { collect } from './collect.ts';
import { move } from './move.ts';
import { rotate } from './rotate.ts';
import { verify } from './verify.ts';

export interface BlobsContext {
  readonly databaseUrl: string;
  readonly config: Config;
  readonly stdout: Out;
}

const HELP = `tidings blobs: the bytes of mail and files

  verify                  read every blob and compare it with its name; says what is wrong
  move [--keep]           move every blob from BLOBS_ALSO to BLOBS, each read back; may be stopped and run again. --keep: they stay there too
  rotate                  store anew what is not kept with the compression and key of today; may be stopped and run again
  collect [--dry-run]     remove what nobody keeps any more and was let go of BLOB_KEEP_UNUSED_SECONDS ago; or only say what that is
`;

/**
 * Runs one subcommand.
 * @returns the exit code: 0 done, 1 something is wrong with the bytes, 2 wrong arguments
 */
export const blobsCommand = async (args: readonly string[], { databaseUrl, config, stdout }: BlobsContext): Promise<number> => {
  const asked = parse(args);
  if (asked?.command === 'collect' && !asked.keep) return collect({ ...config, databaseUrl }, asked.isDry, stdout);
  const command = asked?.command ?? '';
  if (!(command in COMMANDS) || asked?.isDry === true || (asked?.keep === true && command !== 'move')) {
    const isAsked = args.length === 0 || args[0] === 'help';
    stdout.write(isAsked ? HELP : `there is no command "blobs ${args.join(' ')}"\n\n${HELP}`);
    return isAsked ? 0 : 2;
  }
  if (command === 'move' && config.blobs.also === null) {
    stdout.write('BLOBS_ALSO must say where blobs are to be moved from; they go to BLOBS.\n');
    return 2;
  }
  const pool = openPool({ url: databaseUrl, name: 'tidings cli', max: 6, logger: pino({ level: 'silent' }) });
  try {
    const opened = await openBlobs(config.blobs, { pool, besideLog: false });
    return await COMMANDS[command as keyof typeof COMMANDS](opened, config.blobs, stdout, asked?.keep === true);
  } finally {
    await pool.end();
  }
};

const COMMANDS = {
  verify: ({ blobs }: OpenedBlobs, _: BlobStorage, out: Out) => verify(blobs, out),
  move: ({ moving }: OpenedBlobs, _: BlobStorage, out: Out, keep: boolean) =>
    moving === null ? Promise.resolve(2) : move(moving, keep, out),
  rotate: (opened: OpenedBlobs, { format }: BlobStorage, out: Out) => rotate(opened, format, out),
} as const;

const parse = (args: readonly string[]): { readonly command: string; readonly isDry: boolean; readonly keep: boolean } | null => {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { 'dry-run': { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
    });
    const [command, ...more] = positionals;
    return command === undefined || more.length > 0 ? null : { command, isDry: values['dry-run'], keep: values.keep };
  } catch {
    return null; // an option that there is not; the caller shows what there is
  }
};
