/** Bringing mail along (mail-contract §3): what is asked for here is done by the importer. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ImportFormat, ImportSource } from '@tidings/contracts/events/import';
import { ReceivedFile } from '@tidings/contracts/http/form';
import { cancelImport, type ImapImport, type Import, importMail } from '@tidings/contracts/http/imports';
import { derivedId, type ImportId, type MailboxId } from '@tidings/contracts/ids';
import { importKey, mailImport } from '@tidings/domain/import/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import { FORMAT_BYTES, formatOf } from '@tidings/infra/mail-files/format';
import { faultOfHost, guardOf } from '@tidings/infra/webhooks/guard';
import { importById, importView } from '@tidings/projections/imports/index';
import type { FastifyInstance } from 'fastify';
import type { Actor, Ctx } from '../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handleForm } from '../../../http-kit/src/form.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMay } from './access.ts';

const READS = ['imports'];
const IMAPS = 993;
const DAY_MS = 24 * 3_600_000;

export const registerImports = (app: FastifyInstance, platform: Platform): void => {
  handleForm(
    app,
    platform,
    importMail,
    async (ctx) => {
      const { actor, params, body, operationId, settle } = ctx;
      const { mailboxId } = params;
      await assertMay(platform, actor, 'import', mailboxId);
      const importId = derivedId<ImportId>('import', operationId);
      const position =
        body instanceof ReceivedFile ? await requestFile(platform, ctx, importId, body) : await requestImap(platform, ctx, importId, body);
      await settle(position, READS);
      return readImport(platform, importId);
    },
    { idempotent: true, maxBytes: platform.config.maxImportBytes, patienceMs: DAY_MS },
  );

  handle(app, platform, cancelImport, async ({ actor, params: { importId }, context, settle }) => {
    const mailboxId = await mailboxOf(platform, actor, importId);
    const command = { type: 'CancelImport', importId, mailboxId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(mailImport, importKey(importId), command, context));
    await settle(position, READS);
    return readImport(platform, importId);
  });
};

type Asked = Ctx<{ readonly mailboxId: MailboxId }>;

const requestFile = async (platform: Platform, ctx: Asked, importId: ImportId, file: ReceivedFile) => {
  const { state, position } = await platform.commands.load(mailImport, importKey(importId));
  if (ctx.retried && state.kind !== 'none') return position;
  const format = await formatOfFile(file.path);
  const { id: blobId, size } = await platform.blobs.put(createReadStream(file.path));
  const source = { type: 'file', format, blobId, size } as const;
  return appendAfter(platform.blobs, blobId, async () => (await request(platform, ctx, importId, { source, name: file.name })).position);
};

const formatOfFile = async (path: string): Promise<ImportFormat> => {
  const file = await open(path);
  try {
    const head = Buffer.alloc(FORMAT_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const format = formatOf(head.subarray(0, bytesRead));
    if (format === null) throw invalid([{ path: 'file', message: 'must be an mbox, a mail (.eml) or a zip of these' }]);
    return format;
  } finally {
    await file.close();
  }
};

const requestImap = async (platform: Platform, ctx: Asked, importId: ImportId, { imap }: ImapImport) => {
  const { host: written, port = IMAPS, username: name, password, folders = null } = imap;
  const tls = imap.tls ?? (port === 143 ? 'starttls' : 'implicit');
  const guard = guardOf(platform.config);
  const host = written.trim().toLowerCase();
  const fault = faultOfHost(host, guard);
  if (fault !== null) throw invalid([{ path: 'imap.host', message: fault }]);
  if (tls === 'none' && !guard.allowHttp)
    throw invalid([{ path: 'imap.tls', message: 'must be implicit or starttls: a password is sent' }]);
  const source = { type: 'imap', host, port, tls } as const;
  return (await request(platform, ctx, importId, { source, name, folders, password })).position;
};

const request = async (
  platform: Platform,
  { actor, params: { mailboxId }, context }: Asked,
  importId: ImportId,
  asked: {
    readonly source: ImportSource;
    readonly name: string | null;
    readonly folders?: readonly string[] | null;
    readonly password?: string;
  },
) => {
  const { source, name, folders = null, password = null } = asked;
  const command = { type: 'RequestImport', request: { importId, mailboxId, by: actor.userId, source, name, folders }, password } as const;
  return orReject(await platform.commands.transact(mailImport, importKey(importId), command, context));
};

/** @throws ApiError 404 for who may not even see its mailbox, 403 for who may see it and no more */
const mailboxOf = async (platform: Platform, actor: Actor, importId: ImportId): Promise<MailboxId> => {
  const { state } = await platform.commands.load(mailImport, importKey(importId));
  if (state.kind === 'none') throw noSuchImport();
  const { mailboxId } = state.request;
  await assertMay(platform, actor, 'import', mailboxId);
  return mailboxId;
};

const noSuchImport = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such import among yours.');

const readImport = async (platform: Platform, importId: ImportId): Promise<Import> => {
  const row = await platform.read.maybeOne(importById(platform.liveSchema('imports'), importId));
  if (row === null) throw noSuchImport(); // its mailbox was closed in the meantime
  return importView(row);
};
