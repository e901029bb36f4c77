import type { MappingEvent } from './events.ts';

export type State = { readonly kind: 'none' } | { readonly kind: 'mapped' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: MappingEvent): State => (event.type === 'MailMapped' ? { kind: 'mapped' } : state);
