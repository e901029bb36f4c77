import { eventOf } from '@tidings/contracts/events/definition';
import { DomainTemplateRemoved, DomainTemplateSaved, TemplateRemoved, TemplateSaved } from '@tidings/contracts/events/template';

export type { TemplateEvent } from '@tidings/contracts/events/template';
export const templateSaved = eventOf(TemplateSaved);
export const templateRemoved = eventOf(TemplateRemoved);
export const domainTemplateSaved = eventOf(DomainTemplateSaved);
export const domainTemplateRemoved = eventOf(DomainTemplateRemoved);
