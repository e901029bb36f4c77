/**
 * Clearing away what drafts leave behind: contents of earlier saves, files that were taken out, uploads that nothing used for a day. By its own
 * process manager, since it takes seconds and nobody waits for it.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import { type BlobId, type CommandId, derivedId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { upload, uploadKey } from '@tidings/domain/upload/index';
import { uploadsBefore } from '@tidings/projections/drafts/index';
import { logPages } from '@tidings/infra/process-manager/follow-log';
import type { Turn } from '@tidings/infra/process-manager/process-manager';
import type { Platform } from '../../platform/src/platform.ts';
import { removeUnusedBlobs } from '../../platform/src/unused-blobs.ts';

const TYPES = ['DraftSaved', 'DraftDiscarded', 'DraftSendUndone', 'DraftDispatched'] as const;
/** How long an upload is kept for a draft to use it. */
export const UPLOAD_KEPT_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;
const SWEPT_AT_ONCE = 500;

export const followReleases =
  (platform: Platform, sweepEveryMs = SWEEP_EVERY_MS, keptMs = UPLOAD_KEPT_MS) =>
  async (turn: Turn): Promise<void> => {
    const { log, events, now } = platform;
    let sweptAt = 0;
    for await (const { page, due } of logPages({ log, types: TYPES }, turn, turn.signal)) {
      if (turn.signal.aborted) return;
      if (due) {
        turn.report(page.atHead ? 'working' : 'behind');
        const released = (await events.open(page.events)).events.flatMap(releasedBy);
        await removeUnusedBlobs(platform, [...new Set(released)]);
        await turn.commit(page.next);
      }
      if (page.atHead && now() - sweptAt >= sweepEveryMs) {
        sweptAt = now();
        await sweepUploads(platform, now() - keptMs);
      }
      turn.report(page.atHead ? 'idle' : 'behind');
    }
  };

const releasedBy = (event: Recorded): readonly BlobId[] => ('releases' in event.data ? event.data.releases : []);

const sweepUploads = async (platform: Platform, before: number): Promise<void> => {
  const { read, liveSchema, commands } = platform;
  for (;;) {
    const old = await read.any(uploadsBefore(liveSchema('drafts'), timestamp(before), SWEPT_AT_ONCE));
    for (const { mailboxId, blobId } of old) {
      const commandId = derivedId<CommandId>('forget-upload', mailboxId, blobId, String(before));
      await commands.transact(upload, uploadKey(mailboxId, blobId), { type: 'ForgetUpload', mailboxId, blobId }, { commandId });
    }
    await removeUnusedBlobs(
      platform,
      old.map(({ blobId }) => blobId),
    );
    if (old.length < SWEPT_AT_ONCE) return;
  }
};
