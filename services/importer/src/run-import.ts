/** One import from where it stands to its end. Only the owner of its lease works at it. */
import { derivedId, subjectId, type CommandId } from '@tidings/contracts/ids';
import type { ImportCounts, ImportFailure } from '@tidings/contracts/events/import';
import { reveal } from '@tidings/contracts/sealed';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { type ImportRequest, importKey, type ImportProgressState, mailImport, nothingDone } from '@tidings/domain/import/index';
import type { Lease } from '@tidings/infra/projector/lease';
import type { Mime } from '@tidings/infra/mime/mime';
import { addressesOf } from '@tidings/projections/mailboxes/index';
import type { Room } from '../../filing/src/room.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { fileBatch, type BatchOutcome } from './file-batch.ts';
import { guardOf } from '@tidings/infra/webhooks/guard';
import { openFile } from './file-source.ts';
import { openAccount } from './imap-source.ts';
import { labelsOf } from './labels.ts';
import { quotaOf } from './quota.ts';
import { type Batch, type LostMail, type Source, SourceFailed } from './source.ts';
import { type UnderstoodMail, understandMails } from './understand.ts';

export type RunPlatform = Pick<
  Platform,
  'commands' | 'keys' | 'pool' | 'blobs' | 'read' | 'liveSchema' | 'freshness' | 'log' | 'now' | 'config'
>;

export interface RunParts {
  readonly platform: RunPlatform;
  readonly mime: Mime;
  /** Bytes of mail that are in memory at once. */
  readonly room: Room;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  /** Told after each batch. */
  readonly onBatch: (outcome: BatchOutcome) => void;
}

interface Understood {
  readonly batch: Batch;
  readonly mails: readonly (UnderstoodMail | LostMail)[];
}

/** @returns whether it is over. @throws for outages: it goes on from where it stands */
export const runImport = async (request: ImportRequest, parts: RunParts): Promise<boolean> => {
  const { platform, signal } = parts;
  const { importId, mailboxId } = request;
  const { state } = await platform.commands.load(mailImport, importKey(importId));
  if (state.kind !== 'open') return true;
  const key = (await platform.keys.obtain([subjectId(mailboxId)])).get(subjectId(mailboxId)) ?? null;
  if (key === null || (await platform.commands.load(mailbox, mailboxKey(mailboxId))).state.kind !== 'open') {
    await failImport(request, platform, new SourceFailed({ code: 'gone', field: null, message: 'The mailbox was closed.' }));
    return true;
  }
  let source: Source | null = null;
  try {
    await record(request, platform, state.progress ?? { counts: nothingDone, next: 0, folders: [] }, []);
    source = await openSource(request, state.progress, parts);
    return await fileAll(source, request, state.progress, parts);
  } catch (error) {
    if (!(error instanceof SourceFailed) || signal.aborted) throw error;
    await failImport(request, platform, error);
    return true;
  } finally {
    await source?.close();
  }
};

const openSource = async (
  request: ImportRequest,
  progress: ImportProgressState | null,
  { platform, signal }: RunParts,
): Promise<Source> => {
  const { source } = request;
  if (source.type === 'imap') {
    const { state } = await platform.commands.load(mailImport, importKey(request.importId));
    const password = state.kind === 'none' ? null : reveal(state.password ?? null, null);
    if (password === null) throw new SourceFailed({ code: 'gone', field: 'imap.password', message: 'The password is no longer there.' });
    const [username, wanted, from] = [reveal(request.name, null) ?? '', reveal(request.folders, null), reveal(progress?.folders ?? [], [])];
    return openAccount(source, { username, password, wanted, from, guard: guardOf(platform.config) });
  }
  const { maxImportBytes: maxBytes } = platform.config;
  return openFile(platform.blobs, source, { name: reveal(request.name, null), from: progress?.next ?? 0, maxBytes, signal });
};

/** One batch is read and understood while the one before it is being filed. */
const fileAll = async (source: Source, request: ImportRequest, progress: ImportProgressState | null, parts: RunParts): Promise<boolean> => {
  const { platform, signal, onBatch } = parts;
  const { importId, mailboxId } = request;
  const own = new Set(
    (await platform.read.any(addressesOf(platform.liveSchema('mailboxes'), mailboxId))).map(({ address }) => address.toLowerCase()),
  );
  const labels = labelsOf(platform.commands, request);
  const quota = quotaOf(platform, mailboxId);
  let counts: ImportCounts = { ...(progress?.counts ?? nothingDone), total: source.total };
  await record(request, platform, { counts, next: progress?.next ?? 0, folders: reveal(progress?.folders ?? [], []) }, []);

  const batches = source.batches(signal);
  const understandNext = async (): Promise<Understood | null> => {
    const step = await batches.next();
    if (step.done === true) return null;
    return { batch: step.value, mails: await understandMails(step.value.mails, { ...parts, ...platform }) };
  };
  let ahead = understandNext();
  try {
    for (;;) {
      const current = await ahead;
      signal.throwIfAborted();
      if (current === null) break;
      ahead = understandNext();
      ahead.catch(() => undefined); // whoever awaits it next is told
      if ((await platform.commands.load(mailImport, importKey(importId))).state.kind !== 'open') return true;
      const room = await quota.left();
      const outcome = await fileBatch(current.mails, { platform, request, lease: parts.lease, labels, own, roomLeft: room.bytes });
      quota.filed(outcome.bytes);
      counts = sum(counts, outcome);
      const { next, folders } = current.batch;
      await record(request, platform, { counts, next, folders }, outcome.failures);
      onBatch(outcome);
      if (outcome.isFull) throw full(room.quota);
    }
  } finally {
    await ahead.catch(() => undefined);
    await batches.return(undefined);
  }
  const context = { commandId: derivedId<CommandId>('import-finish', importId) };
  await platform.commands.transact(mailImport, importKey(importId), { type: 'FinishImport', importId, mailboxId }, context);
  return true;
};

/** What was filed stays; with more room the same import brings the rest. */
const full = (quota: number): SourceFailed =>
  new SourceFailed({
    ...{ code: 'quota', field: null },
    message: `The mailbox is full: it may hold ${quota} bytes. What was filed stays; once there is room, the same import again brings the rest.`,
  });

const sum = (counts: ImportCounts, { done, filed, duplicates, failures }: BatchOutcome): ImportCounts => ({
  total: counts.total,
  done: counts.done + done,
  filed: counts.filed + filed,
  duplicates: counts.duplicates + duplicates,
  failed: counts.failed + failures.length,
});

/** Keeps an event well below what the log takes; all failures are counted. */
const FAILURES_TOLD = 100;

const record = async (
  { importId, mailboxId }: ImportRequest,
  { commands }: Pick<Platform, 'commands'>,
  { counts, next, folders }: ImportProgressState,
  failures: readonly ImportFailure[],
): Promise<void> => {
  const shown = reveal(folders, []);
  const told = failures.slice(0, FAILURES_TOLD).map(({ place, reason }) => ({ place: place.slice(0, 500), reason: reason.slice(0, 300) }));
  const command = { type: 'RecordProgress', importId, mailboxId, counts, next, folders: shown, failures: told } as const;
  const commandId = derivedId<CommandId>('import-progress', importId, JSON.stringify([counts, next, shown]));
  await commands.transact(mailImport, importKey(importId), command, { commandId });
};

/** It ends here, and says why. */
export const failImport = async (
  { importId, mailboxId }: ImportRequest,
  { commands }: Pick<Platform, 'commands'>,
  { error }: SourceFailed,
): Promise<void> => {
  const context = { commandId: derivedId<CommandId>('import-fail', importId) };
  await commands.transact(mailImport, importKey(importId), { type: 'FailImport', importId, mailboxId, error }, context);
};
