/** The few codecs and helpers every boundary shares. Decode once, at the edge; inside, values are typed. */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { described } from './json-schema.ts';

/** What was wrong and where: `path` is dotted (`msgBody.text`), `message` names the rule. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
  /** Where in a text that has a grammar of its own, in UTF-16 units. */
  readonly offset?: number;
  readonly length?: number;
}

/** Decodes or lists each fault with its path (never the offending value: it may be personal). */
export const decode = <A>(codec: t.Decoder<unknown, A>, input: unknown): E.Either<readonly FieldError[], A> =>
  E.mapLeft((errors: t.Errors) => orNull(withoutNothing(distinct(errors.map(fieldError)))))(codec.decode(input));

const NULL = 'must be null';
const NOTHING = 'must be left out';

const fieldError = (error: t.ValidationError): FieldError => {
  const last = error.context.at(-1);
  return { path: pathOf(error.context), message: error.message ?? (last === undefined ? 'is invalid' : rule(last)) };
};

const rule = ({ type, actual }: t.ContextEntry): string => {
  if (type instanceof t.NullType) return NULL;
  if (type instanceof t.UndefinedType) return NOTHING;
  return actual === undefined ? 'is required' : `must be ${named(type)}`;
};

/** In words for who wrote the request; the structure of our types is none of theirs. */
const named = (type: t.Decoder<unknown, unknown>): string => {
  if (type instanceof t.ReadonlyType) return named(type.type as t.Mixed); // io-ts leaves open what it wraps
  if (type instanceof t.InterfaceType || type instanceof t.PartialType || type instanceof t.IntersectionType) return 'an object';
  if (type instanceof t.ReadonlyArrayType || type instanceof t.ArrayType) return 'a list';
  return type instanceof t.BooleanType ? 'true or false' : type.name;
};

/** A value that may be null was refused by both members of its union: one fault says what they ask for together. */
const orNull = (errors: readonly FieldError[]): readonly FieldError[] => {
  const nullables = new Set(errors.filter(({ message }) => message === NULL).map(({ path }) => path));
  const others = new Set(errors.filter(({ message }) => message !== NULL).map(({ path }) => path));
  return errors
    .filter(({ path, message }) => message !== NULL || !others.has(path))
    .map((error) =>
      nullables.has(error.path) && error.message !== NULL && error.message.startsWith('must be ')
        ? { ...error, message: `${error.message} or null` }
        : error,
    );
};

/** What may be left out and is there, but wrong: only what is wrong with it, or in it, is worth saying. */
const withoutNothing = (errors: readonly FieldError[]): readonly FieldError[] => {
  const full = errors.filter(({ message }) => message !== NOTHING);
  return errors.filter(({ message, path }) => message !== NOTHING || !full.some((other) => isWithin(other.path, path)));
};

const isWithin = (path: string, outer: string): boolean => outer === '' || path === outer || path.startsWith(`${outer}.`);

/**
 * Keys on the way to the fault. io-ts also counts the members of unions and intersections, which no caller ever wrote; they are known by
 * looking at the very value that their parent looks at.
 */
const pathOf = (context: t.Context): string =>
  context
    .filter((entry, at) => entry.key !== '' && entry.actual !== context[at - 1]?.actual)
    .map((entry) => entry.key)
    .join('.');

const distinct = (errors: readonly FieldError[]): readonly FieldError[] => [
  ...new Map(errors.map((error) => [`${error.path} ${error.message}`, error])).values(),
];

/** A string of `min`..`max` Unicode scalar values (not UTF-16 units: an emoji counts once). */
export const text = (min: number, max: number): t.Type<string> =>
  described(
    new t.Type<string>(
      `string of ${min}-${max} characters`,
      (u): u is string => typeof u === 'string' && fits(u, min, max),
      (u, c) =>
        typeof u === 'string' && fits(u, min, max) ? t.success(u) : t.failure(u, c, `must be a string of ${min}-${max} characters`),
      t.identity,
    ),
    { type: 'string', minLength: min, maxLength: max },
  );

const fits = (value: string, min: number, max: number): boolean => {
  if (value.length < min) return false;
  if (value.length <= max && min <= 1) return true;
  const length = value.length > max * 2 ? value.length : [...value].length;
  return length >= min && length <= max;
};

/** A whole number within bounds. */
export const int = (min: number, max: number = Number.MAX_SAFE_INTEGER): t.Type<number> =>
  described(
    new t.Type<number>(
      `integer ${min}-${max}`,
      (u): u is number => Number.isSafeInteger(u) && (u as number) >= min && (u as number) <= max,
      (u, c) =>
        Number.isSafeInteger(u) && (u as number) >= min && (u as number) <= max
          ? t.success(u as number)
          : t.failure(u, c, `must be a whole number from ${min} to ${max}`),
      t.identity,
    ),
    { type: 'integer', minimum: min, ...(max === Number.MAX_SAFE_INTEGER ? {} : { maximum: max }) },
  );

/** One of a few words. */
export const oneOf = <V extends string>(...values: readonly V[]): t.Type<V> =>
  described(
    new t.Type<V>(
      values.map((value) => `"${value}"`).join(' | '),
      (u): u is V => values.includes(u as V),
      (u, c) => (values.includes(u as V) ? t.success(u as V) : t.failure(u, c, `must be one of ${values.join(', ')}`)),
      t.identity,
    ),
    { type: 'string', enum: values },
  );

export const nullable = <C extends t.Mixed>(codec: C): t.UnionC<[C, t.NullC]> => t.union([codec, t.null]);
