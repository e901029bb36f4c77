import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { TemplateEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const template: Decider<State, Command, TemplateEvent, Rejection> = { category, initial, evolve, decide };

export { type Command as TemplateCommand, MOST_TEMPLATES, type Rejection as TemplateRejection } from './decide.ts';
export { fill, type Filled, unknownIn } from './placeholders.ts';
export { signedHtml, signedText } from './place.ts';
export { activeOf, signatureFor } from './signature.ts';
export type { State as TemplateState, Template } from './state.ts';
export { type Owner as TemplateOwner, templatesKey } from './stream.ts';
