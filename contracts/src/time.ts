/** Points in time cross boundaries as RFC 3339 UTC strings with milliseconds; they sort as text. */
import * as t from 'io-ts';
import type { Id } from './ids.ts';
import { described } from './json-schema.ts';

export type Timestamp = Id<'Timestamp'>;

/** Years 1 to 9999 in UTC: what RFC 3339 writes with four digits and databases keep. */
const EARLIEST = Date.parse('0001-01-01T00:00:00.000Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** The last one written: what happens together is written down together, and several times. */
let written: { readonly ms: number; readonly text: Timestamp } = { ms: 0, text: '1970-01-01T00:00:00.000Z' as Timestamp };

/** Milliseconds since the epoch → canonical text. */
export const timestamp = (ms: number): Timestamp => {
  if (ms !== written.ms) written = { ms, text: new Date(ms).toISOString() as Timestamp };
  return written.text;
};
export const msOf = (at: Timestamp): number => Date.parse(at);

/** Null when it is none, or when UTC has another number of digits for its year. */
const parsed = (text: string): number | null => {
  const ms = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  return ms >= EARLIEST && ms <= LATEST ? ms : null;
};

/** Accepts any RFC 3339 date-time, keeps the canonical form. */
export const Timestamp = described(
  new t.Type<Timestamp, string>(
    'Timestamp',
    (u): u is Timestamp => typeof u === 'string' && parsed(u) !== null,
    (u, c) => {
      const ms = typeof u === 'string' ? parsed(u) : null;
      return ms === null ? t.failure(u, c, 'must be an RFC 3339 date-time') : t.success(timestamp(ms));
    },
    t.identity,
  ),
  { type: 'string', format: 'date-time' },
);
