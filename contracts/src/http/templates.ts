/** Templates and signatures (mail-contract §3): of a mailbox, and of all mailboxes of a mail domain. */
import * as t from 'io-ts';
import { oneOf, text } from '../codec.ts';
import { MailboxId, TemplateId } from '../ids.ts';
import { oneLine } from './drafts.ts';
import { defineRoute, type Route } from './route.ts';

/** Octets of text and HTML together. */
export const MAX_TEMPLATE_BYTES = 64 * 1024;

const shape = {
  id: TemplateId,
  /** `mailbox`, or `domain` for what all of its mailboxes have. */
  scope: oneOf('mailbox', 'domain'),
  name: t.string,
  subject: t.string,
  text: t.string,
  html: t.string,
  isActive: t.boolean,
  isForced: t.boolean,
  isDefault: t.boolean,
};

/** A text to begin a mail with, or (then without subject) what stands below it. */
export const Template = t.readonly(t.type(shape));
export type Template = t.TypeOf<typeof Template>;

const fields = { name: oneLine(1, 200), text: t.string, html: t.string, isActive: t.boolean, isDefault: t.boolean };

/** Placeholders are `{{name}}`, `{{recipient_name}}`, `{{mailbox_name}}`, `{{mailbox_address}}`, and whatever a draft gives `values` for. */
export const SaveMessageTemplate = t.readonly(
  t.intersection([t.type({ name: fields.name }), t.partial({ ...fields, subject: oneLine(0, 900) })]),
);
export const SaveSignature = t.readonly(t.intersection([t.type({ name: fields.name }), t.partial({ ...fields, isForced: t.boolean })]));

const mailbox = t.readonly(t.type({ mailboxId: MailboxId }));
const ofMailbox = t.readonly(t.type({ mailboxId: MailboxId, templateId: TemplateId }));
const domain = t.readonly(t.type({ domain: text(1, 253) }));
const ofDomain = t.readonly(t.type({ domain: text(1, 253), templateId: TemplateId }));
const list = t.readonly(t.type({ content: t.readonlyArray(Template) }));
const common = { tag: 'Templates', errors: [403, 404, 409] } as const;

export const listTemplates = defineRoute({
  ...{ id: 'listTemplates', method: 'GET', path: '/api/mailboxes/{mailboxId}/templates', tag: 'Templates' },
  summary: 'The texts that mails of a mailbox can begin with, by name.',
  ...{ params: mailbox, response: list, errors: [404] },
});
export const saveTemplate = defineRoute({
  ...{ id: 'saveTemplate', method: 'PUT', path: '/api/mailboxes/{mailboxId}/templates/{templateId}', ...common },
  summary: 'Makes or replaces a template, under an id of the caller’s choice. For admins of the mailbox.',
  ...{ params: ofMailbox, body: SaveMessageTemplate, response: Template },
});
export const removeTemplate = defineRoute({
  ...{ id: 'removeTemplate', method: 'DELETE', path: '/api/mailboxes/{mailboxId}/templates/{templateId}', ...common },
  summary: 'Removes a template. For admins of the mailbox.',
  params: ofMailbox,
});
export const listSignatures = defineRoute({
  ...{ id: 'listSignatures', method: 'GET', path: '/api/mailboxes/{mailboxId}/signatures', tag: 'Templates' },
  summary: 'The signatures that mails of a mailbox can have, by name; those of its domain among them.',
  ...{ params: mailbox, response: list, errors: [404] },
});
export const saveSignature = defineRoute({
  ...{ id: 'saveSignature', method: 'PUT', path: '/api/mailboxes/{mailboxId}/signatures/{templateId}', ...common },
  summary: 'Makes or replaces a signature, under an id of the caller’s choice. For admins of the mailbox.',
  ...{ params: ofMailbox, body: SaveSignature, response: Template },
});
export const removeSignature = defineRoute({
  ...{ id: 'removeSignature', method: 'DELETE', path: '/api/mailboxes/{mailboxId}/signatures/{templateId}', ...common },
  summary: 'Removes a signature. For admins of the mailbox.',
  params: ofMailbox,
});
export const saveDomainSignature = defineRoute({
  ...{ id: 'saveDomainSignature', method: 'PUT', path: '/api/domains/{domain}/signatures/{templateId}', ...common },
  summary: 'Makes or replaces a signature of all mailboxes of a mail domain. For its admins.',
  ...{ params: ofDomain, body: SaveSignature, response: Template },
});
export const removeDomainSignature = defineRoute({
  ...{ id: 'removeDomainSignature', method: 'DELETE', path: '/api/domains/{domain}/signatures/{templateId}', ...common },
  summary: 'Removes a signature of a mail domain. For its admins.',
  params: ofDomain,
});
export const listDomainSignatures = defineRoute({
  ...{ id: 'listDomainSignatures', method: 'GET', path: '/api/domains/{domain}/signatures', tag: 'Templates' },
  summary: 'The signatures of a mail domain, by name. For its admins.',
  ...{ params: domain, response: list, errors: [404] },
});

export const templateRoutes: readonly Route[] = [
  listTemplates,
  saveTemplate,
  removeTemplate,
  listSignatures,
  saveSignature,
  removeSignature,
  listDomainSignatures,
  saveDomainSignature,
  removeDomainSignature,
];
