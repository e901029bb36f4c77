/** What is left to do when an import is over: its password is forgotten, and the bytes of its file go unless somebody else has use for them. */
import { subjectId, type ImportId } from '@tidings/contracts/ids';
import { importKey, mailImport } from '@tidings/domain/import/index';
import type { Lease } from '@tidings/infra/projector/lease';
import type { Platform } from '../../platform/src/platform.ts';
import { removeUnusedBlobs } from '../../platform/src/unused-blobs.ts';
import { putDown } from './in-hand.ts';

/** Repeatable. @throws for outages */
export const tidyUp = async (platform: Platform, importId: ImportId): Promise<void> => {
  const { state } = await platform.commands.load(mailImport, importKey(importId));
  if (state.kind === 'none' || state.kind === 'open') return;
  await putDown(platform, importId);
  const { source } = state.request;
  if (source.type === 'imap') await platform.keys.destroy(subjectId(importId));
  else await removeUnusedBlobs(platform, [source.blobId]);
};

/** Its lease and checkpoint are of no use to anybody. */
export const dropLease = async ({ pool }: Pick<Platform, 'pool'>, { name, token }: Lease): Promise<void> => {
  await pool.query('delete from projection.checkpoint where name = $1 and lease_token = $2', [name, token]);
  await pool.query('delete from projection.lease where name = $1 and token = $2', [name, token]);
};
