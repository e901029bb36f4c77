/** Templates and signatures of mailboxes and mail domains (mail-contract §3, collaborative inbox §1.7). */
import type { TemplateKind, TemplateText } from '@tidings/contracts/events/template';
import {
  MAX_TEMPLATE_BYTES,
  removeDomainSignature,
  removeSignature,
  removeTemplate,
  saveDomainSignature,
  type SaveMessageTemplate,
  saveSignature,
  type SaveSignature,
  saveTemplate,
  type Template,
} from '@tidings/contracts/http/templates';
import type { TemplateId, UserId } from '@tidings/contracts/ids';
import { template, type TemplateOwner, templatesKey } from '@tidings/domain/template/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { FastifyInstance } from 'fastify';
import type * as t from 'io-ts';
import type { Ctx } from '../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMay, assertManagesDomain } from './access.ts';
import type { Tools } from './drafts/tools.ts';

type Body = t.TypeOf<typeof SaveMessageTemplate> & t.TypeOf<typeof SaveSignature>;

export const registerTemplates = (app: FastifyInstance, platform: Platform, tools: Tools): void => {
  const save = async (
    { body, actor, context, settle }: Pick<Ctx<unknown, unknown, Body>, 'body' | 'actor' | 'context' | 'settle'>,
    owner: TemplateOwner,
    templateId: TemplateId,
    kind: TemplateKind,
  ): Promise<Template> => {
    const { isActive = true, isForced = false, isDefault = false } = body;
    const content = await contentOf(tools, body);
    const { state } = await platform.commands.load(template, templatesKey(owner));
    if ((state.get(templateId)?.kind ?? kind) !== kind) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such template.');
    const command = { type: 'SaveTemplate', owner, templateId, kind, content, isActive, isForced, isDefault, by: actor.userId } as const;
    const { position, state: after } = orReject(await platform.commands.transact(template, templatesKey(owner), command, context));
    await settle(position, ['templates']);
    const { isActive: active = false, isForced: forced = false, isDefault: preset = false } = after.get(templateId) ?? {};
    const scope = 'domain' in owner ? 'domain' : 'mailbox';
    return { id: templateId, scope, ...content, isActive: active, isForced: forced, isDefault: preset };
  };
  const remove = async (owner: TemplateOwner, templateId: TemplateId, by: UserId, context: CommandContext) =>
    orReject(await platform.commands.transact(template, templatesKey(owner), { type: 'RemoveTemplate', owner, templateId, by }, context));

  handle(app, platform, saveTemplate, async (ctx) => {
    const { mailboxId, templateId } = ctx.params;
    await assertMay(platform, ctx.actor, 'manage-templates', mailboxId);
    return save(ctx, { mailboxId }, templateId, 'message');
  });
  handle(app, platform, saveSignature, async (ctx) => {
    const { mailboxId, templateId } = ctx.params;
    await assertMay(platform, ctx.actor, 'manage-templates', mailboxId);
    return save(ctx, { mailboxId }, templateId, 'signature');
  });
  for (const route of [removeTemplate, removeSignature]) {
    handle(app, platform, route, async ({ actor, params: { mailboxId, templateId }, context, settle }) => {
      await assertMay(platform, actor, 'manage-templates', mailboxId);
      await settle((await remove({ mailboxId }, templateId, actor.userId, context)).position, ['templates']);
    });
  }
  handle(app, platform, saveDomainSignature, async (ctx) => {
    const domain = await assertManagesDomain(platform, ctx.actor, ctx.params.domain);
    return save(ctx, { domain }, ctx.params.templateId, 'signature');
  });
  handle(app, platform, removeDomainSignature, async ({ actor, params: { domain: written, templateId }, context, settle }) => {
    const domain = await assertManagesDomain(platform, actor, written);
    await settle((await remove({ domain }, templateId, actor.userId, context)).position, ['templates']);
  });
};

/** @throws ApiError 400 */
const contentOf = async (tools: Tools, { name, subject = '', text = '', html = '' }: Body): Promise<TemplateText> => {
  if (Buffer.byteLength(text) + Buffer.byteLength(html) > MAX_TEMPLATE_BYTES) {
    throw invalid([{ path: html === '' ? 'text' : 'html', message: 'must be at most 64 KiB, text and HTML together' }]);
  }
  const plain = text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll('\0', '');
  return { name, subject, text: plain, html: await tools.composer().clean(html.toWellFormed().replaceAll('\0', '')) };
};
