import type { TemplateKind, TemplateText } from '@tidings/contracts/events/template';
import type { TemplateId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { TemplateEvent } from './events.ts';

export interface Template {
  readonly templateId: TemplateId;
  readonly kind: TemplateKind;
  readonly content: Sealed<TemplateText>;
  readonly isActive: boolean;
  readonly isForced: boolean;
  readonly isDefault: boolean;
}

/** Those of one owner. */
export type State = ReadonlyMap<TemplateId, Template>;

export const initial: State = new Map();

export const evolve = (state: State, event: TemplateEvent): State => {
  switch (event.type) {
    case 'TemplateSaved':
    case 'DomainTemplateSaved': {
      const { templateId, kind, content, isActive, isForced, isDefault } = event.data;
      return new Map(state).set(templateId, { templateId, kind, content, isActive, isForced, isDefault });
    }
    case 'TemplateRemoved':
    case 'DomainTemplateRemoved': {
      const left = new Map(state);
      left.delete(event.data.templateId);
      return left;
    }
    default:
      return state;
  }
};
