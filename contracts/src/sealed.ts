/**
 * Personal data that can be forgotten (architecture §10). A sealed field is plain in memory, encrypted with its subject's key in the
 * log, and `Shredded` for ever once that key is destroyed. Every reader must cope with `Shredded`; ordering and counts survive.
 */
import * as t from 'io-ts';
import { described } from './json-schema.ts';

export interface Shredded {
  readonly shredded: true;
}
export const SHREDDED: Shredded = { shredded: true };
export type Sealed<A> = A | Shredded;

export const isShredded = (value: unknown): value is Shredded =>
  typeof value === 'object' && value !== null && 'shredded' in value && value.shredded === true;

/** The value, or `instead` when its subject was erased. */
export const reveal = <A, B>(value: Sealed<A>, instead: B): A | B => (isShredded(value) ? instead : value);

/** The codec of a field that `EventDefinition.personal` names. */
export const sealed = <C extends t.Mixed>(codec: C): SealedC<C> =>
  described(
    new t.Type(
      `Sealed<${codec.name}>`,
      (u): u is Sealed<t.TypeOf<C>> => isShredded(u) || codec.is(u),
      (u, c) => (isShredded(u) ? t.success(SHREDDED) : codec.validate(u, c)),
      (a) => (isShredded(a) ? a : codec.encode(a)),
    ),
    (inner) => inner(codec),
  );
export type SealedC<C extends t.Mixed> = t.Type<Sealed<t.TypeOf<C>>, unknown>;
