/** `tidings import` and `tidings export`: mail in and out of mailboxes, at the terminal. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { View, views } from '@tidings/contracts/http/mail-objects';
import { derivedId, type CommandId, type ImportId, type LabelId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { address, addressKey } from '@tidings/domain/address/index';
import { importKey, mailImport, nothingDone } from '@tidings/domain/import/index';
import { normaliseAddress } from '@tidings/domain/mail/address';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import { createCommands } from '@tidings/infra/commands/create-commands';
import type { Config } from '@tidings/infra/config/config';
import { FORMAT_BYTES, formatOf } from '@tidings/infra/mail-files/format';
import { usageOf } from '@tidings/projections/storage/index';
import { labelsOf } from '@tidings/projections/thread-marks/index';
import * as E from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { v4 } from 'uuid';
import { openPlatform } from '../../../platform/src/open.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { mailsAsMbox } from '../../../query-api/src/mail/export.ts';
import type { Out } from '../out.ts';
import { type Progress, progressOf } from '../progress.ts';

/** Something the person at the terminal can put right; printed without a stack. */
export class MailCommandFailed extends Error {
  override readonly name = 'MailCommandFailed';
}

export interface MailContext {
  readonly databaseUrl: string;
  readonly config: Config;
  readonly stdout: Out;
  readonly stderr: Out;
}

const USAGE = {
  import: 'tidings import --mailbox contact@town.example [--detach] <file.mbox | file.eml | file.zip>',
  export: `tidings export --mailbox contact@town.example [--view ${views.join('|')}] [--label name] [--out file.mbox]`,
};

/** Who asks at the terminal: no user of ours. */
const OPERATOR = derivedId<UserId>('operator');
const LOOK_MS = 200;
/** How long nothing may begin before that is said. */
const IDLE_MS = 15_000;

/** @returns the exit code. @throws MailCommandFailed */
export const importCommand = async (args: readonly string[], context: MailContext): Promise<number> => {
  const { values, positionals } = parsed('import', args, { mailbox: { type: 'string' }, detach: { type: 'boolean' } });
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0 || typeof values['mailbox'] !== 'string') throw new MailCommandFailed(`usage: ${USAGE.import}`);
  const mailboxOf = values['mailbox'];
  return withPlatform(context, async (platform) => {
    const mailboxId = await mailboxAt(platform, mailboxOf);
    const importId = v4() as ImportId; // a new one
    await request(platform, path, importId, mailboxId);
    if (values['detach'] === true) {
      context.stdout.write(`Import ${importId} waits for its turn.\n`);
      return 0;
    }
    return follow(platform, importId, context.stdout);
  });
};

const request = async (platform: Platform, path: string, importId: ImportId, mailboxId: MailboxId): Promise<void> => {
  const { size } = await stat(path).catch((error: unknown) => {
    throw new MailCommandFailed(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (size > platform.config.maxImportBytes) throw new MailCommandFailed(`${path} is larger than MAX_IMPORT_BYTES allows`);
  const file = await open(path);
  const head = Buffer.alloc(FORMAT_BYTES);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  await file.close();
  const format = formatOf(head.subarray(0, bytesRead));
  if (format === null) throw new MailCommandFailed(`${path} is no mbox, no mail (.eml) and no zip of these`);
  const stored = await platform.blobs.put(createReadStream(path));
  const source = { type: 'file', format, blobId: stored.id, size: stored.size } as const;
  const asked = { importId, mailboxId, by: OPERATOR, source, name: basename(path), folders: null };
  const commandId = derivedId<CommandId>('import-at-terminal', importId);
  await appendAfter(platform.blobs, stored.id, () =>
    platform.commands.transact(mailImport, importKey(importId), { type: 'RequestImport', request: asked, password: null }, { commandId }),
  );
};

/** @returns the exit code: 1 when it failed as a whole */
const follow = async (platform: Platform, importId: ImportId, out: Out): Promise<number> => {
  // As the log has it at this moment, not as it had it a second ago.
  const commands = createCommands(platform.events, { freshForMs: 0 });
  let progress: Progress | null = null;
  let shown = 0;
  const began = performance.now();
  for (let told = false; ;) {
    const { state } = await commands.load(mailImport, importKey(importId));
    if (state.kind === 'none') throw new Error('an import was asked for and lost');
    const { total, done, filed, duplicates, failed } = state.progress?.counts ?? nothingDone;
    if (state.kind !== 'open') {
      const ends = { finished: 'Done', failed: 'Failed', cancelled: 'Cancelled' } as const;
      progress?.end();
      out.write(`${ends[state.kind]}: ${filed} filed, ${duplicates} were there already, ${failed} could not be brought along.\n`);
      return state.kind === 'finished' ? 0 : 1;
    }
    if (total !== null) {
      progress ??= progressOf(total, 'mails', out);
      progress.tick(done - shown);
      shown = done;
    } else if (state.progress === null && !told && performance.now() - began > IDLE_MS) {
      told = true;
      out.write('Nobody works at it yet: it begins when Tidings runs ("tidings serve").\n');
    }
    await delay(LOOK_MS);
  }
};

/** @returns the exit code. @throws MailCommandFailed */
export const exportCommand = async (args: readonly string[], context: MailContext): Promise<number> => {
  const options = { mailbox: { type: 'string' }, view: { type: 'string' }, label: { type: 'string' }, out: { type: 'string' } } as const;
  const { values, positionals } = parsed('export', args, options);
  const { mailbox: written, view, label, out } = values;
  if (typeof written !== 'string' || positionals.length > 0) throw new MailCommandFailed(`usage: ${USAGE.export}`);
  if (view !== undefined && !View.is(view))
    throw new MailCommandFailed(`there is no view "${String(view)}"; there are ${views.join(', ')}`);
  return withPlatform(context, async (platform) => {
    const mailboxId = await mailboxAt(platform, written);
    const labelId = typeof label === 'string' ? await labelNamed(platform, mailboxId, label) : undefined;
    const whole = view === undefined && labelId === undefined;
    const total = whole ? ((await platform.read.maybeOne(usageOf(platform.liveSchema('storage'), mailboxId)))?.emails ?? 0) : null;
    const progress = total === null ? null : progressOf(total, 'mails', context.stderr);
    let done = 0;
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const mail of mailsAsMbox(platform, mailboxId, view === undefined ? null : view, labelId)) {
        yield mail;
        done += 1;
        progress?.tick();
      }
    };
    await pipeline(Readable.from(counted(), { objectMode: false }), typeof out === 'string' ? createWriteStream(out) : process.stdout, {
      end: typeof out === 'string',
    });
    progress?.end();
    context.stderr.write(`${done} mails.\n`);
    return 0;
  });
};

const parsed = (
  command: keyof typeof USAGE,
  args: readonly string[],
  options: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>,
) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new MailCommandFailed(`${error instanceof Error ? error.message : String(error)}\nusage: ${USAGE[command]}`);
  }
};

/** For one command. */
export const withPlatform = async <A>({ databaseUrl, config }: MailContext, work: (platform: Platform) => Promise<A>): Promise<A> => {
  const logger = pino({ level: 'warn' }, pino.destination(2));
  const platform = await openPlatform({ ...config, databaseUrl }, { process: 'cli', logger, connections: 4 });
  try {
    return await work(platform);
  } finally {
    await platform.close();
  }
};

const mailboxAt = async (platform: Platform, written: string): Promise<MailboxId> => {
  const normal = normaliseAddress(written);
  const state = E.isLeft(normal) ? null : (await platform.commands.load(address, addressKey(normal.right))).state;
  if (state?.kind !== 'claimed') throw new MailCommandFailed(`there is no mailbox ${written}`);
  return state.mailboxId;
};

const labelNamed = async (platform: Platform, mailboxId: MailboxId, name: string): Promise<LabelId> => {
  const labels = await platform.read.any(labelsOf(platform.liveSchema('thread-marks'), mailboxId));
  const found = labels.find((label) => label.name.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw new MailCommandFailed(`the mailbox has no label ${name}`);
  return found.id;
};
