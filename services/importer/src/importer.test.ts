/** The importer beside a log and read models: what it leaves behind, and where it stops. */
import {
  type BlobId,
  type CommandId,
  derivedId,
  type ImportId,
  type MailboxId,
  streamId,
  subjectId,
  type UserId,
} from '@tidings/contracts/ids';
import { importKey, mailImport, type ImportRequest } from '@tidings/domain/import/index';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { loadConfig } from '@tidings/infra/config/config';
import { isRight } from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { migrate } from '../../cli/src/migrate.ts';
import { openPlatform, type OpenedPlatform } from '../../platform/src/open.ts';
import type { Service } from '../../platform/src/platform.ts';
import { startProjectorService } from '../../projector/src/index.ts';
import { startImporter } from './index.ts';

const by = derivedId<UserId>('ann');
const soon = { timeout: 30_000, interval: 50 };

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let platform: OpenedPlatform;
let projector: Service;
beforeAll(async () => {
  database = await createTestDatabase();
  const logger = pino({ level: 'silent' });
  await migrate(database.url, logger);
  const config = loadConfig({ DATABASE_URL: database.url });
  if (!isRight(config)) throw new Error(config.left.join('; '));
  platform = await openPlatform(config.right, { process: 'test', logger, connections: 6 });
  projector = await startProjectorService(platform);
}, 60_000);
afterAll(async () => {
  await projector.stop();
  await platform.close();
  await database.drop();
});

const command = (...names: readonly string[]) => ({ commandId: derivedId<CommandId>('test', ...names) });
const openMailbox = async (name: string, quotaBytes: number | null = null): Promise<MailboxId> => {
  const mailboxId = derivedId<MailboxId>('test', name);
  const opening = { type: 'OpenMailbox', mailboxId, kind: 'shared', address: `${name}@tidings.test`, name } as const;
  const members = [{ userId: by, role: 'admin' }] as const;
  await platform.commands.transact(mailbox, mailboxKey(mailboxId), { ...opening, members }, command('open', name));
  const quota = { type: 'SetMailboxQuota', mailboxId, bytes: quotaBytes, by } as const;
  await platform.commands.transact(mailbox, mailboxKey(mailboxId), quota, command('quota', name, String(quotaBytes)));
  return mailboxId;
};
const request = async (
  name: string,
  mailboxId: MailboxId,
  source: ImportRequest['source'],
  password: string | null = null,
): Promise<ImportId> => {
  const importId = derivedId<ImportId>('test', name);
  const asked = { importId, mailboxId, by, source, name, folders: null };
  await platform.commands.transact(
    mailImport,
    importKey(importId),
    { type: 'RequestImport', request: asked, password },
    command('ask', name),
  );
  return importId;
};
const cancel = async (importId: ImportId, mailboxId: MailboxId): Promise<void> => {
  const wish = { type: 'CancelImport', importId, mailboxId, by } as const;
  await platform.commands.transact(mailImport, importKey(importId), wish, command('cancel', importId));
};
const mbox = (...names: readonly string[]): Buffer =>
  Buffer.from(
    names.map((name) => `From x Tue Mar 05 10:00:00 2019\nSubject: ${name}\nMessage-ID: <${name}@x>\n\n${'x'.repeat(1000)}\n\n`).join(''),
  );
const put = async (bytes: Buffer): Promise<{ blobId: BlobId; size: number }> => {
  const { id: blobId, size } = await platform.blobs.put(bytes);
  return { blobId, size };
};
const stateOf = async (importId: ImportId) => (await platform.commands.load(mailImport, importKey(importId))).state;
const hasKey = async (importId: ImportId): Promise<boolean> =>
  ((await platform.keys.find([subjectId(importId)])).get(subjectId(importId)) ?? null) !== null;

it('leaves neither the file nor the password of an import that was cancelled while no importer ran', async () => {
  const mailboxId = await openMailbox('cancelled');
  const file = await put(mbox('never'));
  const ofFile = await request('of-file', mailboxId, { type: 'file', format: 'mbox', ...file });
  const ofServer = await request('of-server', mailboxId, { type: 'imap', host: 'imap.invalid', port: 993, tls: 'implicit' }, 'secret');
  for (const importId of [ofFile, ofServer]) await cancel(importId, mailboxId);
  expect([await platform.blobs.has(file.blobId), await hasKey(ofServer)]).toEqual([true, true]);
  const importer = await startImporter(platform);
  await expect.poll(async () => [await platform.blobs.has(file.blobId), await hasKey(ofServer)], soon).toEqual([false, false]);
  await expect.poll(async () => (await platform.pool.query('select from importer.in_hand')).rowCount, soon).toBe(0);
  await importer.stop();
}, 60_000);

it('stops where the mailbox is full, keeps what fits, and brings the rest once there is room', async () => {
  const mailboxId = await openMailbox('full', 2_500);
  const source = { type: 'file', format: 'mbox', ...(await put(mbox('one', 'two', 'three'))) } as const;
  const importer = await startImporter(platform);
  const first = await request('too-much', mailboxId, source);
  await expect.poll(async () => (await stateOf(first)).kind, soon).toBe('failed');
  expect(await stateOf(first)).toMatchObject({ progress: { counts: { total: 3, done: 2, filed: 2, failed: 0 } } });
  const failed = (await platform.events.readStream(streamId(mailImport.category, importKey(first)))).find(
    ({ type }) => type === 'ImportFailed',
  );
  expect(failed?.data).toMatchObject({ error: { code: 'quota', message: expect.stringContaining('2500 bytes') } });

  // What is there takes no room.
  const again = await request('again', mailboxId, { ...source, ...(await put(mbox('one', 'two'))) });
  await expect.poll(async () => (await stateOf(again)).kind, soon).toBe('finished');
  await openMailbox('full', 5_000);
  const rest = await request('rest', mailboxId, { ...source, ...(await put(mbox('one', 'two', 'three'))) });
  await expect.poll(async () => (await stateOf(rest)).kind, soon).toBe('finished');
  expect(await stateOf(rest)).toMatchObject({ progress: { counts: { total: 3, done: 3, filed: 1, duplicates: 2 } } });
  await importer.stop();
}, 60_000);
