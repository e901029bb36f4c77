/** Codecs for query parameters, which arrive as text. An absent one is `undefined`: put them into `t.partial`. */
import * as t from 'io-ts';
import { described } from '../json-schema.ts';

/** `?limit=25`: digits only, within bounds. */
export const intParam = (min: number, max: number): t.Type<number, string> =>
  described(
    new t.Type<number, string>(
      `integer ${min}-${max}`,
      (u): u is number => typeof u === 'number',
      (u, c) => {
        const value = typeof u === 'string' && /^-?\d{1,15}$/.test(u) ? Number(u) : Number.NaN;
        return value >= min && value <= max ? t.success(value) : t.failure(u, c, `must be a whole number from ${min} to ${max}`);
      },
      String,
    ),
    { type: 'integer', minimum: min, maximum: max },
  );

/** `?unread=true`. */
export const boolParam: t.Type<boolean, string> = described(
  new t.Type<boolean, string>(
    'boolean',
    t.boolean.is,
    (u, c) => (u === 'true' ? t.success(true) : u === 'false' ? t.success(false) : t.failure(u, c, 'must be true or false')),
    String,
  ),
  { type: 'boolean' },
);
