/**
 * Templates and signatures of a mailbox or a mail domain (collaborative inbox §1.7). Of each kind one is the default and one is forced: who
 * becomes it takes the place of the one before. What is not active is neither.
 */
import type { TemplateKind, TemplateText } from '@tidings/contracts/events/template';
import type { TemplateId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { domainTemplateRemoved, domainTemplateSaved, templateRemoved, templateSaved, type TemplateEvent } from './events.ts';
import type { State, Template } from './state.ts';
import type { Owner } from './stream.ts';

export type Command =
  | {
      readonly type: 'SaveTemplate';
      readonly owner: Owner;
      readonly templateId: TemplateId;
      readonly kind: TemplateKind;
      readonly content: TemplateText;
      readonly isActive: boolean;
      readonly isForced: boolean;
      readonly isDefault: boolean;
      readonly by: UserId;
    }
  | { readonly type: 'RemoveTemplate'; readonly owner: Owner; readonly templateId: TemplateId; readonly by: UserId };

export type Rejection = { readonly type: 'TooManyTemplates' };

/** Of one owner. */
export const MOST_TEMPLATES = 200;

export const decide = (command: Command, state: State): Either<Rejection, readonly TemplateEvent[]> => {
  const { owner, templateId, by } = command;
  const before = state.get(templateId);
  if (command.type === 'RemoveTemplate') return right(before === undefined ? [] : [removed(owner, templateId, by)]);
  const { kind, content, isActive } = command;
  const now: Template = {
    ...{ templateId, kind: before?.kind ?? kind, content, isActive },
    isForced: isActive && command.isForced && (before?.kind ?? kind) === 'signature',
    isDefault: isActive && command.isDefault,
  };
  if (before === undefined && state.size >= MOST_TEMPLATES) return left({ type: 'TooManyTemplates' });
  const displaced = [...state.values()].flatMap((other): readonly Template[] => {
    if (other.templateId === templateId || other.kind !== now.kind) return [];
    const after = { ...other, isForced: other.isForced && !now.isForced, isDefault: other.isDefault && !now.isDefault };
    return after.isForced === other.isForced && after.isDefault === other.isDefault ? [] : [after];
  });
  const changed = before !== undefined && sameValue(before, now) ? [] : [now];
  return right([...displaced, ...changed].map((template) => saved(owner, template, by)));
};

const saved = (owner: Owner, { content, ...template }: Template, by: UserId): TemplateEvent => {
  if ('mailboxId' in owner) return templateSaved({ mailboxId: owner.mailboxId, ...template, content, by });
  // Of a domain nothing is sealed.
  return domainTemplateSaved({ domain: owner.domain, ...template, content: content as TemplateText, by });
};

const removed = (owner: Owner, templateId: TemplateId, by: UserId): TemplateEvent =>
  'mailboxId' in owner
    ? templateRemoved({ mailboxId: owner.mailboxId, templateId, by })
    : domainTemplateRemoved({ domain: owner.domain, templateId, by });
