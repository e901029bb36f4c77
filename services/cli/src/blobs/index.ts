/** `tidings blobs …`: what an operator may ask of stored bytes. Safe beside a Tidings that runs. */
import { type OpenedBlobs, openBlobs } from '@tidings/infra/blobs/open';
import type { BlobStorage } from '@tidings/infra/config/blob-storage';
import { openPool } from '@tidings/infra/postgres/pools';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import type { Out } from '../out.ts';
import { rotate } from './rotate.ts';
import { verify } from './verify.ts';

export interface BlobsContext {
  readonly databaseUrl: string;
  readonly storage: BlobStorage;
  readonly stdout: Out;
}

const HELP = `tidings blobs: the bytes of mail and files

  verify                  read every blob and compare it with its name; says what is wrong
  rotate                  store anew what is not kept with the compression and key of today; may be stopped and run again
`;

/**
 * Runs one subcommand.
 * @returns the exit code: 0 done, 1 something is wrong with the bytes, 2 wrong arguments
 */
export const blobsCommand = async (args: readonly string[], { databaseUrl, storage, stdout }: BlobsContext): Promise<number> => {
  const command = parse(args);
  if (command === null || !(command in COMMANDS)) {
    const isAsked = args.length === 0 || args[0] === 'help';
    stdout.write(isAsked ? HELP : `there is no command "blobs ${args.join(' ')}"\n\n${HELP}`);
    return isAsked ? 0 : 2;
  }
  const pool = openPool({ url: databaseUrl, name: 'tidings cli', max: 6, logger: pino({ level: 'silent' }) });
  try {
    const opened = await openBlobs(storage, { pool, besideLog: false });
    return await COMMANDS[command as keyof typeof COMMANDS](opened, storage, stdout);
  } finally {
    await pool.end();
  }
};

const COMMANDS = {
  verify: ({ blobs }: OpenedBlobs, _: BlobStorage, out: Out) => verify(blobs, out),
  rotate: (opened: OpenedBlobs, { format }: BlobStorage, out: Out) => rotate(opened, format, out),
} as const;

const parse = (args: readonly string[]): string | null => {
  try {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, strict: true });
    return positionals.length === 1 ? (positionals[0] ?? null) : null;
  } catch {
    return null; // an option that there is not; the caller shows what there is
  }
};
