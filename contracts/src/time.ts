/** Points in time cross boundaries as RFC 3339 UTC strings with milliseconds; they sort as text. */
import * as t from 'io-ts';
import type { Id } from './ids.ts';
import { described } from './json-schema.ts';

export type Timestamp = Id<'Timestamp'>;

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds since the epoch → canonical text. */
export const timestamp = (ms: number): Timestamp => new Date(ms).toISOString() as Timestamp;
export const msOf = (at: Timestamp): number => Date.parse(at);

/** Accepts any RFC 3339 date-time, keeps the canonical form. */
export const Timestamp = described(
  new t.Type<Timestamp, string>(
    'Timestamp',
    (u): u is Timestamp => typeof u === 'string' && RFC3339.test(u) && !Number.isNaN(Date.parse(u)),
    (u, c) => {
      if (typeof u !== 'string' || !RFC3339.test(u)) return t.failure(u, c, 'must be an RFC 3339 date-time');
      const ms = Date.parse(u);
      return Number.isNaN(ms) ? t.failure(u, c, 'must be an RFC 3339 date-time') : t.success(timestamp(ms));
    },
    t.identity,
  ),
  { type: 'string', format: 'date-time' },
);
