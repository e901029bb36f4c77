/** Points and stretches of time as people type them, in UTC. */
import { timestamp } from '../time.ts';
import type { Unit, When } from './ast.ts';

export const TIME_EXPECTED =
  'a date like 2026-03-01, 2026-03 or 2026, a time like 2026-03-01T12:00:00Z, or how long ago like 7d, 2w, 3m or 1y';

const PERIOD = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/i;
const AGO = /^(\d{1,4})([dwmy])$/i;

/** Null for what is none. */
export const readWhen = (typed: string): When | null => {
  const ago = AGO.exec(typed);
  if (ago?.[1] !== undefined && ago[2] !== undefined && PERIOD.exec(typed) === null) {
    return { type: 'ago', count: Number(ago[1]), unit: ago[2].toLowerCase() as Unit }; // one of four letters, by AGO
  }
  if (PERIOD.test(typed)) return periodOf(typed) === null ? null : { type: 'period', text: typed };
  if (!INSTANT.test(typed)) return null;
  const at = Date.parse(typed.toUpperCase());
  // Days that no month has pass into the next one, for `Date` alone.
  if (Number.isNaN(at) || at < FIRST || at >= LAST || periodOf(typed.slice(0, 10)) === null) return null;
  return { type: 'instant', at: timestamp(at) };
};

/** What timestamps of ours can be. */
const FIRST = Date.UTC(1000, 0, 1);
const LAST = Date.UTC(9999, 0, 1);

export const printWhen = (when: When): string => {
  if (when.type === 'period') return when.text;
  return when.type === 'instant' ? when.at : `${when.count}${when.unit}`;
};

/** From `start`, up to but without `end`; milliseconds since the epoch. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** The period meant; of an instant the instant itself, of so many days ago the moment so long ago and the day that it is in. */
export const stretchOf = (when: When, now: number): { readonly start: number; readonly end: number; readonly day: Stretch } => {
  if (when.type === 'period') {
    const stretch = periodOf(when.text) ?? { start: now, end: now };
    return { ...stretch, day: stretch };
  }
  const at = when.type === 'instant' ? Date.parse(when.at) : longAgo(when.count, when.unit, now);
  const day = Math.floor(at / DAY) * DAY;
  return { start: at, end: at, day: { start: day, end: day + DAY } };
};

const DAY = 86_400_000;

const longAgo = (count: number, unit: Unit, now: number): number => {
  if (unit === 'd') return Math.max(FIRST, now - count * DAY);
  if (unit === 'w') return Math.max(FIRST, now - count * 7 * DAY);
  const at = new Date(now);
  const months = at.getUTCMonth() - (unit === 'm' ? count : 0);
  const year = at.getUTCFullYear() - (unit === 'y' ? count : 0);
  // The last day of a shorter month, not the third of the one behind it.
  const day = Math.min(at.getUTCDate(), new Date(Date.UTC(year, months + 1, 0)).getUTCDate());
  return Math.max(FIRST, Date.UTC(year, months, day) + (now % DAY));
};

const periodOf = (text: string): Stretch | null => {
  const found = PERIOD.exec(text);
  if (found === null) return null;
  const [year, month, day] = [Number(found[1]), Number(found[2] ?? 1), Number(found[3] ?? 1)];
  const start = Date.UTC(year, month - 1, day);
  const isThere = year >= 1000 && year < 9999 && new Date(start).getUTCMonth() === month - 1;
  if (!isThere) return null;
  if (found[3] !== undefined) return { start, end: start + DAY };
  return { start, end: found[2] === undefined ? Date.UTC(year + 1, 0, 1) : Date.UTC(year, month, 1) };
};
