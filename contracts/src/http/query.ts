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

/** As `intParam(1, max)`, but more than `max` means `max`: for lists of ISM, which gives who asks for more as many as it gives. */
export const pageSizeParam = (max: number): t.Type<number, string> =>
  described(
    new t.Type<number, string>(
      `integer 1-${max}, or more for ${max}`,
      (u): u is number => typeof u === 'number',
      (u, c) => {
        const value = typeof u === 'string' && /^\d{1,15}$/.test(u) ? Number(u) : 0;
        return value >= 1 ? t.success(Math.min(value, max)) : t.failure(u, c, 'must be a whole number from 1 on');
      },
      String,
    ),
    { type: 'integer', minimum: 1 },
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
