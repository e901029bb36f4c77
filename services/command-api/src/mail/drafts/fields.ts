/** What the writers of a draft set, checked and in the form that is kept. Each fault names its field. */
import type { DraftAttachment, DraftContent } from '@tidings/contracts/events/draft';
import type { Address } from '@tidings/contracts/events/email';
import type { FieldError } from '@tidings/contracts/codec';
import { type DraftAddress, MAX_MAIL_BODY_BYTES, type NewAttachment, type SaveDraft } from '@tidings/contracts/http/drafts';
import type { MailboxId } from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import { address, addressKey } from '@tidings/domain/address/index';
import { normaliseAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { type Composer, ComposingFailed } from '@tidings/infra/compose/compose';
import * as E from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import type { Actor } from '../../../../http-kit/src/ctx.ts';
import { invalid } from '../../../../http-kit/src/errors.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import { readableFile } from '../../../../platform/src/readable-files.ts';
import { isSignature } from './begin.ts';

export type Written = Omit<t.TypeOf<typeof SaveDraft>, 'revision' | 'mailboxId' | 'inReplyTo'>;

export interface Writing {
  readonly platform: Platform;
  readonly composer: Composer;
  readonly actor: Actor;
  readonly mailboxId: MailboxId;
}

/** `written` over what the draft says so far. @throws ApiError 400 */
export const contentFrom = async (writing: Writing, before: DraftContent, written: Written): Promise<DraftContent> => {
  const faults: FieldError[] = [];
  const people = (path: 'to' | 'cc' | 'bcc'): readonly Address[] => {
    const asked = written[path];
    return asked === undefined ? before[path] : asked.map((one, at) => normal(one, `${path}.${at}.email`, faults));
  };
  const from = written.from === undefined ? before.from : normal(written.from, 'from.email', faults);
  const content: DraftContent = {
    ...{ from, to: people('to'), cc: people('cc'), bcc: people('bcc') },
    subject: written.subject ?? before.subject,
    text: written.text === undefined ? before.text : plain(written.text),
    html: written.html === undefined ? before.html : await clean(writing.composer, written.html),
    attachments: written.attachments === undefined ? before.attachments : await filesOf(writing, before, written.attachments, faults),
    inReplyTo: before.inReplyTo,
    signatureId: written.signatureId === undefined ? before.signatureId : written.signatureId,
    unsubscribe: written.unsubscribe === undefined ? before.unsubscribe : written.unsubscribe,
  };
  if (written.signatureId != null && !(await isSignature(writing.platform, writing.mailboxId, written.signatureId))) {
    faults.push({ path: 'signatureId', message: 'must be a signature of the mailbox or of its domain' });
  }
  if (content.unsubscribe !== null && !isUnsubscribe(content.unsubscribe)) {
    faults.push({ path: 'unsubscribe', message: 'must be an https or mailto address' });
  }
  if (Buffer.byteLength(content.text) + Buffer.byteLength(content.html) > MAX_MAIL_BODY_BYTES) {
    faults.push({ path: written.html === undefined ? 'text' : 'html', message: 'must be at most 5 MiB, text and HTML together' });
  }
  if (faults.length === 0 && !(await isOwnAddress(writing.platform, writing.mailboxId, from.email))) {
    faults.push({ path: 'from.email', message: 'must be the address of the mailbox or one of its aliases' });
  }
  if (faults.length > 0) throw invalid(faults);
  return content;
};

/** The address as it is kept and compared; a fault is noted. */
const normal = ({ name = null, email }: t.TypeOf<typeof DraftAddress>, path: string, faults: FieldError[]): Address => {
  const found = normaliseAddress(email.trim());
  if (E.isLeft(found)) {
    faults.push({ path, message: `is no email address (${found.left})` });
    return { name, email };
  }
  return { name: name?.trim() === '' ? null : name, email: found.right };
};

/** Line breaks as one, and nothing that no mail may hold. */
const plain = (text: string): string => text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll('\0', '');

const clean = async (composer: Composer, html: string): Promise<string> => {
  try {
    return await composer.clean(plain(html));
  } catch (error) {
    if (error instanceof ComposingFailed) throw invalid([{ path: 'html', message: 'cannot be read within the limits of time and memory' }]);
    throw error;
  }
};

/** Files that the draft has stay readable for it; new ones must be for who adds them. */
const filesOf = async (
  { platform, actor }: Writing,
  before: DraftContent,
  asked: readonly t.TypeOf<typeof NewAttachment>[],
  faults: FieldError[],
): Promise<readonly DraftAttachment[]> => {
  const files = await Promise.all(
    asked.map(async ({ blobId, name, cid = null }, at): Promise<DraftAttachment | null> => {
      const held = before.attachments.find((one) => one.blobId === blobId);
      const file = held ?? (await readableFile(platform, actor.userId, blobId));
      if (file === null) {
        faults.push({ path: `attachments.${at}.blobId`, message: 'is no file that you may read' });
        return null;
      }
      return { blobId, name: name ?? file.name ?? 'attachment', type: file.type, size: file.size, cid };
    }),
  );
  return files.filter((file) => file !== null);
};

const isUnsubscribe = (address: string): boolean =>
  /^(?:https:\/\/|mailto:)[\x21-\x3b\x3d\x3f-\x7e]+$/.test(address) && URL.canParse(address);

/** As the log has it: an alias that was given away counts at once. */
export const isOwnAddress = async (platform: Pick<Platform, 'commands'>, mailboxId: MailboxId, email: string): Promise<boolean> => {
  const normalised = normaliseAddress(email);
  if (E.isLeft(normalised)) return false;
  const { state } = await platform.commands.load(address, addressKey(normalised.right));
  return state.kind === 'claimed' && state.mailboxId === mailboxId;
};

/** What an empty draft of the mailbox says. */
export const emptyContent = async (platform: Pick<Platform, 'commands'>, mailboxId: MailboxId): Promise<DraftContent> => {
  const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  const from = state.kind === 'open' ? { name: reveal(state.name, null), email: reveal(state.address, '') } : { name: null, email: '' };
  return {
    ...{ from, to: [], cc: [], bcc: [], subject: '', text: '', html: '', attachments: [], inReplyTo: null },
    ...{ signatureId: null, unsubscribe: null },
  };
};
