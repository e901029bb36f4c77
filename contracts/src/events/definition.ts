/**
 * How an event type is declared: its name and version (storage formats: never rename), its codec, which fields are personal and
 * whose, and how older versions are read. One declaration gives the types, the sealing, the catalogue and the golden-file test.
 */
import * as t from 'io-ts';
import type { JsonObject } from '../ports/event-log.ts';

export interface AnyEvent {
  readonly type: string;
  readonly data: object;
}

/**
 * Fields that are sealed with the key of the subject named by `subject` (a field beside them holding a user, mailbox or webhook id).
 * `each` names an array field: then the rule holds for each of its items. `within` is the path to an object inside another sealed field, as
 * `body.quoted`: what is there of somebody else is sealed with their key, not with that of the field around it. Where there is no such object
 * there is nothing to seal.
 */
export interface PersonalFields {
  readonly each?: string;
  readonly within?: string;
  readonly subject: string;
  readonly fields: readonly string[];
}

/** Reads data of the version before `to` as version `to`. Pure and total. */
export interface Upcast {
  readonly to: number;
  readonly apply: (data: JsonObject) => JsonObject;
}

export interface EventDefinition<T extends string = string, C extends t.Mixed = t.Mixed> {
  readonly type: T;
  readonly version: number;
  /** One sentence for the catalogue: what has happened. */
  readonly doc: string;
  readonly data: C;
  readonly personal: readonly PersonalFields[];
  readonly upcasts: readonly Upcast[];
}

/** The in-memory event of a definition. */
export type EventOf<D> = D extends EventDefinition<infer T, infer C> ? { readonly type: T; readonly data: t.TypeOf<C> } : never;

export const defineEvent = <T extends string, C extends t.Mixed>(definition: {
  readonly type: T;
  readonly version?: number;
  readonly doc: string;
  readonly data: C;
  readonly personal?: readonly PersonalFields[];
  readonly upcasts?: readonly Upcast[];
}): EventDefinition<T, C> => ({ version: 1, personal: [], upcasts: [], ...definition });

/** Makes an event of a definition; the data is already typed, so nothing is decoded. */
export const eventOf =
  <T extends string, C extends t.Mixed>(definition: EventDefinition<T, C>) =>
  (data: t.TypeOf<C>): { readonly type: T; readonly data: t.TypeOf<C> } => ({ type: definition.type, data });
