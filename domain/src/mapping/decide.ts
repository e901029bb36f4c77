/** A mail is mapped to a conversation once: a stream of its own, so that nothing grows with the conversation. */
import type { MailMapped } from '@tidings/contracts/events/gateway';
import { type Either, right } from 'fp-ts/lib/Either.js';
import { mailMapped, type MappingEvent } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'MapMail';
  readonly mail: MailMapped['data'];
}

export type Rejection = never;

export const decide = ({ mail }: Command, state: State): Either<Rejection, readonly MappingEvent[]> =>
  right(state.kind === 'mapped' ? [] : [mailMapped(mail)]);
