/** Labels of mailboxes, and labels on threads (mail-contract §3). */
import {
  changeLabel,
  createLabel,
  DEFAULT_LABEL_COLOR,
  deleteLabel,
  labelThread,
  unlabelThread,
  type Label,
} from '@tidings/contracts/http/labels';
import { derivedId, type LabelId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { label, labelsKey } from '@tidings/domain/label/index';
import { thread, threadKey } from '@tidings/domain/thread/index';
import { labelById, mailboxOfLabel, THREAD_READS } from '@tidings/projections/thread-marks/index';
import type { FastifyInstance } from 'fastify';
import type { Ctx } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMay } from './access.ts';
import { readThread } from './read-thread.ts';
import { assertMayInThread } from './thread-access.ts';

export const registerLabels = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    createLabel,
    async ({ actor, params: { mailboxId }, body, operationId, context, settle }) => {
      await assertMay(platform, actor, 'manage-labels', mailboxId);
      const labelId = derivedId<LabelId>('label', operationId);
      const { name, color = DEFAULT_LABEL_COLOR, description = null, auto = false } = body;
      const command = { type: 'CreateLabel', mailboxId, labelId, name, color, description, auto, by: actor.userId } as const;
      const { position } = orReject(await platform.commands.transact(label, labelsKey(mailboxId), command, context));
      await settle(position, ['thread-marks']);
      return readLabel(platform, mailboxId, labelId);
    },
    { idempotent: true },
  );

  handle(app, platform, changeLabel, async ({ actor, params: { mailboxId, labelId }, body, operationId, context, settle }) => {
    await assertMay(platform, actor, 'manage-labels', mailboxId);
    const command = { type: 'ChangeLabel', mailboxId, labelId, changes: body, operation: operationId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(label, labelsKey(mailboxId), command, context));
    await settle(position, ['thread-marks']);
    return readLabel(platform, mailboxId, labelId);
  });

  handle(app, platform, deleteLabel, async ({ actor, params: { mailboxId, labelId }, context, settle }) => {
    await assertMay(platform, actor, 'manage-labels', mailboxId);
    const command = { type: 'DeleteLabel', mailboxId, labelId, by: actor.userId } as const;
    const { position } = orReject(await platform.commands.transact(label, labelsKey(mailboxId), command, context));
    await settle(position, ['thread-marks']);
  });

  for (const [route, labelled] of [
    [labelThread, true],
    [unlabelThread, false],
  ] as const) {
    handle(app, platform, route, async (ctx) => setLabel(platform, ctx, labelled), { reads: ['thread-marks'] });
  }
};

/** Which mailbox is meant, the label says. */
const setLabel = async (
  platform: Platform,
  { actor, params: { threadId, labelId }, context, settle }: Ctx<{ readonly threadId: ThreadId; readonly labelId: LabelId }>,
  labelled: boolean,
) => {
  const of = await platform.read.maybeOne(mailboxOfLabel(platform.liveSchema('thread-marks'), labelId));
  if (of === null) throw noSuchLabel();
  const { mailboxId } = of;
  await assertMayInThread(platform, actor, 'label', threadId, mailboxId);
  const { state } = await platform.commands.load(label, labelsKey(mailboxId));
  if (labelled && !state.has(labelId)) throw noSuchLabel();
  const command = { type: 'LabelThread', threadId, mailboxId, labelId, labelled, by: actor.userId } as const;
  const { position } = orReject(await platform.commands.transact(thread, threadKey(threadId), command, context));
  await settle(position, THREAD_READS);
  return readThread(platform, threadId, mailboxId);
};

const noSuchLabel = (): ApiError => new ApiError('CONTENT_NOT_FOUND', 'There is no such label in your mailboxes.');

const readLabel = async (platform: Platform, mailboxId: MailboxId, labelId: LabelId): Promise<Label> => {
  const shown = await platform.read.maybeOne(labelById(platform.liveSchema('thread-marks'), mailboxId, labelId));
  if (shown === null) throw noSuchLabel(); // deleted in the meantime
  return shown;
};
