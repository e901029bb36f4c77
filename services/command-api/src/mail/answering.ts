/** What a mailbox answers without anybody writing it: its automatic reply (RFC 3834), and who may know that a mail was read (RFC 8098). */
import {
  answerReceipt,
  MAX_AUTOREPLY_BYTES,
  removeAutoreply,
  setAutoreply,
  type SetAutoreply,
  setReceiptPolicy,
} from '@tidings/contracts/http/answering';
import type { AnswerSchedule, AnswerText } from '@tidings/contracts/events/answering';
import { msOf } from '@tidings/contracts/time';
import { answered, receiptKey } from '@tidings/domain/answered/index';
import { answering, answeringKey, isActiveAt } from '@tidings/domain/answering/index';
import { readBodies } from '@tidings/infra/mime/mime';
import { emailIn } from '@tidings/projections/emails/index';
import type { FastifyInstance } from 'fastify';
import type * as t from 'io-ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { envelopeFor } from '../../../platform/src/received-envelope.ts';
import { assertMay } from './access.ts';
import type { Tools } from './drafts/tools.ts';
import { assertMayInThread } from './thread-access.ts';

export const registerAnswering = (app: FastifyInstance, platform: Platform, tools: Tools): void => {
  handle(app, platform, setAutoreply, async ({ actor, params: { mailboxId }, body, at, context, settle }) => {
    await assertMay(platform, actor, 'manage-templates', mailboxId);
    const { isActive = true, schedule = { type: 'always' } } = body;
    assertSchedule(schedule);
    const content = await contentOf(tools, body);
    const command = { type: 'SetAutoreply', mailboxId, isActive, schedule, content, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(answering, answeringKey(mailboxId), command, context));
    await settle(position, ['answers']);
    return { isActive, isActiveNow: isActiveAt({ isActive, schedule }, at), schedule, ...content };
  });

  handle(app, platform, removeAutoreply, async ({ actor, params: { mailboxId }, context, settle }) => {
    await assertMay(platform, actor, 'manage-templates', mailboxId);
    const command = { type: 'RemoveAutoreply', mailboxId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(answering, answeringKey(mailboxId), command, context));
    await settle(position, ['answers']);
  });

  handle(app, platform, setReceiptPolicy, async ({ actor, params: { mailboxId }, body: { policy }, context, settle }) => {
    await assertMay(platform, actor, 'manage-mailbox', mailboxId);
    const command = { type: 'SetReceiptPolicy', mailboxId, policy, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(answering, answeringKey(mailboxId), command, context));
    await settle(position, ['answers']);
    return { policy };
  });

  handle(
    app,
    platform,
    answerReceipt,
    async ({ actor, params: { emailId }, body: { mailboxId, send: sent }, context, settle }) => {
      const [held] = await platform.read.any(emailIn(platform.liveSchema('emails'), emailId, [mailboxId]));
      if (held === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such email among yours.');
      const { threadId, bodyBlobId, direction } = held;
      await assertMayInThread(platform, actor, 'send', threadId, mailboxId);
      const asks = direction === 'in' && (await readBodies(platform.blobs, bodyBlobId)).details.receiptTo !== undefined;
      // RFC 8098 §2.1: what came from the null sender is answered by nothing; and only who it was sent to can have read it.
      const envelope = asks ? await envelopeFor(platform, emailId, mailboxId) : null;
      if (envelope === null || envelope.mailFrom === '')
        throw new ApiError('CONFLICT', 'This email asks for no receipt from this mailbox.');
      const { receipts } = (await platform.commands.load(answering, answeringKey(mailboxId))).state;
      if (sent && receipts === 'never') throw new ApiError('CONFLICT', 'This mailbox never sends receipts.');
      const command = { type: 'AnswerReceipt', mailboxId, emailId, threadId, sent, by: actor.userId } as const;
      const { position } = orReject(await platform.commands.transact(answered, receiptKey(mailboxId, emailId), command, context));
      await settle(position, ['answers']);
      return { answer: sent ? ('sent' as const) : ('declined' as const) };
    },
    { reads: ['emails'] },
  );
};

/** @throws ApiError 400 */
const assertSchedule = (schedule: AnswerSchedule): void => {
  if (schedule.type === 'range' && msOf(schedule.to) <= msOf(schedule.from)) {
    throw invalid([{ path: 'schedule.to', message: 'must be after from' }]);
  }
  if (schedule.type !== 'weekly') return;
  const empty = schedule.hours.findIndex(({ from, to }) => from.day === to.day && from.time === to.time);
  if (empty >= 0) throw invalid([{ path: `schedule.hours.${empty}.to`, message: 'must be another time than from' }]);
};

/** @throws ApiError 400 */
const contentOf = async (tools: Tools, { subject = '', text = '', html = '' }: t.TypeOf<typeof SetAutoreply>): Promise<AnswerText> => {
  if (Buffer.byteLength(text) + Buffer.byteLength(html) > MAX_AUTOREPLY_BYTES) {
    throw invalid([{ path: html === '' ? 'text' : 'html', message: 'must be at most 64 KiB, text and HTML together' }]);
  }
  const plain = text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll('\0', '');
  const clean = await tools.composer().clean(html.toWellFormed().replaceAll('\0', ''));
  if (plain.trim() === '' && clean.trim() === '') throw invalid([{ path: 'text', message: 'is required, or html' }]);
  return { subject, text: plain, html: clean };
};
