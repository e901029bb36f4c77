/** What stands in a draft before anybody wrote in it: a template, the default signature. And what stands below it when it is sent. */
import type { DraftContent } from '@tidings/contracts/events/draft';
import { type MailboxId, type TemplateId } from '@tidings/contracts/ids';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import { domainOf, type EmailAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import {
  activeOf,
  fill,
  type Filled,
  signatureFor,
  signedHtml,
  signedText,
  template,
  templatesKey,
  type TemplateState,
  unknownIn,
} from '@tidings/domain/template/index';
import type { Actor } from '../../../../http-kit/src/ctx.ts';
import { invalid } from '../../../../http-kit/src/errors.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import type { Written } from './fields.ts';

type Parts = Pick<Platform, 'commands'>;

export interface Begun {
  readonly actor: Actor;
  readonly mailboxId: MailboxId;
  readonly templateId: TemplateId | undefined;
  readonly values: Readonly<Record<string, string>> | undefined;
}

interface Texts {
  readonly mailbox: TemplateState;
  readonly domain: TemplateState;
  /** Of the mailbox itself, for placeholders. */
  readonly name: string;
  readonly address: string;
}

const textsOf = async ({ commands }: Parts, mailboxId: MailboxId): Promise<Texts> => {
  const { state } = await commands.load(mailbox, mailboxKey(mailboxId));
  const [name, address] = state.kind === 'open' ? [reveal(state.name, ''), reveal(state.address, '')] : ['', ''];
  const [own, domain] = await Promise.all([
    commands.load(template, templatesKey({ mailboxId })),
    commands.load(template, templatesKey({ domain: domainOf(address as EmailAddress) })), // kept as it was claimed
  ]);
  return { mailbox: own.state, domain: domain.state, name, address };
};

/** With the template above what an answer quotes, and the default signature. @throws ApiError 400 */
export const begunFrom = async (
  platform: Parts,
  { actor, mailboxId, templateId, values = {} }: Begun,
  draft: DraftContent,
  written: Written,
): Promise<DraftContent> => {
  const texts = await textsOf(platform, mailboxId);
  const signatures = [...activeOf(texts.mailbox, 'signature'), ...activeOf(texts.domain, 'signature')];
  const preset = signatures.find(({ isDefault }) => isDefault)?.templateId ?? null;
  const signed: DraftContent = { ...draft, signatureId: preset };
  if (templateId === undefined) return signed;
  const used = activeOf(texts.mailbox, 'message').find((one) => one.templateId === templateId);
  if (used === undefined || isShredded(used.content)) throw invalid([{ path: 'templateId', message: 'must be a template of the mailbox' }]);
  const known = new Map([
    ...knownValues(actor, texts, { ...draft, ...(written.to === undefined ? {} : { to: written.to.map(named) }) }),
    ...Object.entries(values),
  ]);
  const unknown = unknownIn(used.content, known);
  if (unknown.length > 0)
    throw invalid(unknown.map((one) => ({ path: `values.${one}`, message: 'is required: the template has this placeholder' })));
  const { subject, text, html } = fill(used.content, known);
  return {
    ...signed,
    subject: draft.inReplyTo === null && subject !== '' ? subject : draft.subject,
    text: `${text}${draft.text}`,
    html: html === '' && draft.html === '' ? '' : `${html === '' ? inHtml(text) : html}${draft.html}`,
  };
};

/** Of the mailbox or its domain, and active. */
export const isSignature = async (platform: Parts, mailboxId: MailboxId, id: TemplateId): Promise<boolean> => {
  const texts = await textsOf(platform, mailboxId);
  return [texts.mailbox, texts.domain].some((state) => activeOf(state, 'signature').some(({ templateId }) => templateId === id));
};

const named = ({ name = null, email }: { readonly name?: string | null; readonly email: string }) => ({ name, email });

/** `recipient_name` is of who stands first. */
const knownValues = (actor: Actor, { name, address }: Texts, { to }: Pick<DraftContent, 'to'>): ReadonlyMap<string, string> => {
  const [first] = to;
  return new Map([
    ['name', actor.displayName],
    ['mailbox_name', name],
    ['mailbox_address', address],
    ...(first === undefined ? [] : ([['recipient_name', first.name ?? first.email]] as const)),
  ]);
};

/**
 * The text and HTML of a draft with the signature below what was written, filled in for who sends it. A mail in plain text stays one.
 * @throws ApiError 400 where the signature has a placeholder that nobody knows
 */
export const signed = async (
  platform: Parts,
  { actor, mailboxId }: Pick<Begun, 'actor' | 'mailboxId'>,
  draft: DraftContent,
): Promise<Pick<Filled, 'text' | 'html'>> => {
  const texts = await textsOf(platform, mailboxId);
  const signature = signatureFor(texts.mailbox, texts.domain, draft.signatureId);
  if (signature === null || isShredded(signature.content)) return draft;
  const values = knownValues(actor, texts, draft);
  const unknown = unknownIn(signature.content, values);
  if (unknown.length > 0)
    throw invalid(unknown.map((one) => ({ path: 'signatureId', message: `has a placeholder that nobody knows: ${one}` })));
  const { text, html } = fill(signature.content, values);
  return {
    text: draft.text.trim() === '' && draft.html !== '' ? '' : signedText(draft.text, text === '' ? plainOf(html) : text),
    html: draft.html === '' ? '' : signedHtml(draft.html, html === '' ? inHtml(text) : html),
  };
};

const inHtml = (text: string): string =>
  text
    .replaceAll(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '')
    .replaceAll('\n', '<br>');

/** For a signature that was given as HTML only. */
const plainOf = (html: string): string =>
  html
    .replaceAll(/<(?:br|\/p|\/div|\/tr|\/li)\b[^>]*>/gi, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name] ?? '')
    .trim();
