/** When the next digest of someone goes. Pure: the zone's rules come with the runtime. */
import { type Timestamp, timestamp } from '@tidings/contracts/time';
import { DateTime } from 'luxon';
import type { DigestTimes } from './state.ts';

/**
 * The first of the times behind `after` in their zone; where the clock skips it, the moment right behind the gap, and where it comes twice, one of them, always the same.
 * @param after milliseconds since the epoch
 */
export const nextDigest = ({ timeZone, times }: DigestTimes, after: number): Timestamp => {
  const here = DateTime.fromMillis(after, { zone: timeZone });
  const now = here.isValid ? here : DateTime.fromMillis(after, { zone: 'UTC' });
  const candidates = [0, 1, 2].flatMap((days) => times.map((time) => atClock(now.plus({ days }), time)));
  const next = Math.min(...candidates.filter((at) => at > after));
  return timestamp(Number.isFinite(next) ? next : after + DAY_MS);
};

const DAY_MS = 86_400_000;

const atClock = (day: DateTime, time: string): number => {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const { year, month, day: date } = day;
  // From the calendar, so that the same day and time are always the same moment.
  return DateTime.fromObject({ year, month, day: date, hour, minute }, { zone: day.zone }).toMillis();
};

/** Whether the runtime knows the zone. */
export const isTimeZone = (name: string): boolean => DateTime.utc().setZone(name).isValid;
