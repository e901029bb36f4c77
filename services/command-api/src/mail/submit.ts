/** `POST /api/mailboxes/{id}/submit`: a message that somebody else composed, for whom its `X-Rcpt-To` names (collaborative inbox §1.4). */
import { MAX_ATTACHMENT_BYTES, MAX_MAIL_BODY_BYTES } from '@tidings/contracts/http/drafts';
import { submitMessage } from '@tidings/contracts/http/sending';
import { derivedId, type DraftId, type EmailId } from '@tidings/contracts/ids';
import { msOf } from '@tidings/contracts/time';
import { draft, draftKey, emailOfDraft } from '@tidings/domain/draft/index';
import { domainOf, type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import { addFields, type MessageHead, readHead } from '@tidings/infra/compose/head';
import type { ParsedMail } from '@tidings/infra/mime/mime';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handleMessage } from '../../../http-kit/src/message-body.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMay } from './access.ts';
import { assertMaySendAs, notYours, recipientsOf } from './drafts/compose.ts';
import { DRAFT_READS } from './drafts/reading.ts';
import type { AssertRoom } from './drafts/room.ts';
import type { Tools } from './drafts/tools.ts';

export const registerSubmit = (app: FastifyInstance, platform: Platform, tools: Tools, assertRoom: AssertRoom): void => {
  handleMessage(
    app,
    platform,
    submitMessage,
    async ({ actor, params: { mailboxId }, body, request, reply, at, operationId, context, settle }) => {
      await assertMay(platform, actor, 'send', mailboxId);
      const draftId = derivedId<DraftId>('submission', operationId);
      const emailId = emailOfDraft(draftId);
      const head = headOf(body);
      const parsed = await tools.mime().parse(head.message);
      const from = authorOf(head, parsed);
      await assertMaySendAs(platform, actor, mailboxId, from);
      assertSizes(parsed);
      const recipients = recipientsIn(request.headers['x-rcpt-to'], parsed);
      const { raw, messageId } = whole(head, from, emailId, msOf(at));
      await assertRoom(mailboxId, raw.byteLength);
      const { id: rawBlobId, size } = await platform.blobs.put(raw, { thenAppended: true });
      const command = {
        ...({ type: 'SubmitDraft', draftId, mailboxId, revision: 0, scheduled: false, by: actor.userId } as const),
        ...{ emailId, rawBlobId, size, messageId, sendAt: at, envelope: { from, recipients } },
      };
      const { position } = orReject(
        await appendAfter(platform.blobs, rawBlobId, () => platform.commands.transact(draft, draftKey(draftId), command, context)),
      );
      await settle(position, DRAFT_READS);
      void reply.code(202);
      return { messageId, emailId, status: 'accepted' as const };
    },
    { idempotent: true },
  );
};

/** @throws ApiError 400 */
const headOf = (body: Uint8Array): MessageHead => {
  const head = readHead(body);
  if (E.isLeft(head)) throw invalid([{ path: 'body', message: head.left }]);
  const hidden = head.right.fields.find(({ name }) => name === 'bcc' || name === 'resent-bcc');
  if (hidden !== undefined) throw invalid([{ path: 'Bcc', message: 'must not be there: name blind recipients in X-Rcpt-To only' }]);
  return head.right;
};

/** Exactly one field with exactly one address (RFC 5322 §3.6.2 allows more; who may send as whom has one answer only). @throws ApiError 400, 403 */
const authorOf = ({ fields }: MessageHead, { content: { from }, fault }: ParsedMail): string => {
  if (fault !== null) throw invalid([{ path: 'body', message: `cannot be read: ${fault}` }]);
  const [author, ...more] = from;
  if (fields.filter(({ name }) => name === 'from').length !== 1 || author === undefined || more.length > 0) throw notYours();
  const address = normaliseAddress(author.email);
  if (E.isLeft(address)) throw notYours();
  return address.right;
};

/** @throws ApiError 400 */
const assertSizes = ({ details: { attachments, textBody, htmlBody } }: ParsedMail): void => {
  const bytesOf = (parts: readonly { readonly partId: string; readonly size: number }[]): number =>
    [...new Map(parts.map(({ partId, size }) => [partId, size])).values()].reduce((sum, size) => sum + size, 0);
  if (bytesOf(attachments) > MAX_ATTACHMENT_BYTES) throw invalid([{ path: 'attachments', message: 'must be at most 20 MiB together' }]);
  if (bytesOf([...textBody, ...htmlBody]) > MAX_MAIL_BODY_BYTES)
    throw invalid([{ path: 'body', message: 'must be at most 5 MiB of text and HTML' }]);
};

/** @throws ApiError 400 */
const recipientsIn = (header: string | readonly string[] | undefined, { content: { to, cc } }: ParsedMail) => {
  const written = (typeof header === 'string' ? [header] : (header ?? [])).flatMap((value) => value.split(',')).map((one) => one.trim());
  const named = (people: typeof to): ReadonlySet<string> =>
    new Set(
      people.flatMap(({ email }) => E.getOrElseW(() => [] as readonly string[])(E.map((one: string) => [one])(normaliseAddress(email)))),
    );
  const [inTo, inCc] = [named(to), named(cc)];
  return recipientsOf(
    written
      .filter((one) => one !== '')
      .map((one) => {
        // Header values come as Latin-1; addresses beyond ASCII are UTF-8 in it.
        const address = normaliseAddress(Buffer.from(one.replace(/^<|>$/g, ''), 'latin1').toString('utf8'));
        if (E.isLeft(address)) throw invalid([{ path: 'recipients', message: `must be email addresses (${address.left})` }]);
        const kind = inTo.has(address.right) ? 'to' : inCc.has(address.right) ? 'cc' : 'bcc';
        return { address: address.right, kind } as const;
      }),
  );
};

/** With what every mail must have (RFC 6409 §8.1, §8.2). @throws ApiError 400 */
const whole = (
  head: MessageHead,
  from: string,
  emailId: EmailId,
  now: number,
): { readonly raw: Uint8Array; readonly messageId: string } => {
  const ids = head.fields.filter(({ name }) => name === 'message-id');
  const [, given] = /^\s*<([^<>\s]{1,990})>\s*$/.exec(ids[0]?.value ?? '') ?? [];
  if (ids.length > 1 || (ids.length === 1 && given === undefined))
    throw invalid([{ path: 'Message-ID', message: 'must be one id in angle brackets' }]);
  const messageId = given ?? `${emailId}@${domainOf(from as EmailAddress)}`; // in normal form
  const hasDate = head.fields.some(({ name }) => name === 'date');
  const added = [
    ...(given === undefined ? [`Message-ID: <${messageId}>`] : []),
    ...(hasDate ? [] : [`Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`]),
  ];
  return { raw: addFields(head.message, added), messageId };
};
