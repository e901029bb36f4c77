/**
 * Streams `templates-<mailboxId>` and `templates-<domain>`: texts to begin mails with and signatures to end them, of a mailbox or for all of a mail domain.
 */
import * as t from 'io-ts';
import { oneOf, text } from '../codec.ts';
import { MailboxId, TemplateId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const TemplateKind = oneOf('message', 'signature');
export type TemplateKind = t.TypeOf<typeof TemplateKind>;

/** Placeholders stand in it as `{{name}}`. HTML is sanitised before it gets here; empty: plain text only. */
export const TemplateText = t.readonly(t.type({ name: text(1, 200), subject: text(0, 900), text: t.string, html: t.string }));
export type TemplateText = t.TypeOf<typeof TemplateText>;

const template = {
  templateId: TemplateId,
  kind: TemplateKind,
  isActive: t.boolean,
  /** Stands below every mail, whatever its writer chooses. One of each kind at most, and only signatures. */
  isForced: t.boolean,
  /** What a new draft begins with. One of each kind at most. */
  isDefault: t.boolean,
  by: UserId,
};

export const TemplateSaved = defineEvent({
  type: 'TemplateSaved',
  doc: 'A mailbox has a template or signature, or another one in its place; all of it as it is now.',
  data: t.readonly(t.type({ mailboxId: MailboxId, ...template, content: sealed(TemplateText) })),
  personal: [{ subject: 'mailboxId', fields: ['content'] }],
});
export type TemplateSaved = EventOf<typeof TemplateSaved>;

export const TemplateRemoved = defineEvent({
  type: 'TemplateRemoved',
  doc: 'A mailbox no longer has a template or signature.',
  data: t.readonly(t.type({ mailboxId: MailboxId, templateId: TemplateId, by: UserId })),
});
export type TemplateRemoved = EventOf<typeof TemplateRemoved>;

export const DomainTemplateSaved = defineEvent({
  type: 'DomainTemplateSaved',
  doc: 'All mailboxes of a mail domain have a template or signature, or another one in its place.',
  data: t.readonly(t.type({ domain: text(1, 253), ...template, content: TemplateText })),
});
export type DomainTemplateSaved = EventOf<typeof DomainTemplateSaved>;

export const DomainTemplateRemoved = defineEvent({
  type: 'DomainTemplateRemoved',
  doc: 'The mailboxes of a mail domain no longer have a template or signature.',
  data: t.readonly(t.type({ domain: text(1, 253), templateId: TemplateId, by: UserId })),
});
export type DomainTemplateRemoved = EventOf<typeof DomainTemplateRemoved>;

export const templateEvents = [TemplateSaved, TemplateRemoved, DomainTemplateSaved, DomainTemplateRemoved] as const;
export type TemplateEvent = EventOf<(typeof templateEvents)[number]>;
