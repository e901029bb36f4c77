/** When an automatic reply is on. */
import type { AnswerSchedule, WeekTime } from '@tidings/contracts/events/answering';
import { msOf, type Timestamp } from '@tidings/contracts/time';
import type { Autoreply } from './state.ts';

export const isActiveAt = ({ isActive, schedule }: Pick<Autoreply, 'isActive' | 'schedule'>, at: Timestamp): boolean =>
  isActive && isWithin(schedule, at);

const isWithin = (schedule: AnswerSchedule, at: Timestamp): boolean => {
  switch (schedule.type) {
    case 'always':
      return true;
    case 'range':
      return msOf(schedule.from) <= msOf(at) && msOf(at) < msOf(schedule.to);
    case 'weekly': {
      const now = minuteOfWeek(at, schedule.timeZone);
      return schedule.hours.some(({ from, to }) => {
        const [start, end] = [minuteOf(from), minuteOf(to)];
        // Over the end of the week, from Friday evening to Monday morning.
        return start < end ? start <= now && now < end : now >= start || now < end;
      });
    }
  }
};

const minuteOf = ({ day, time }: WeekTime): number => (day - 1) * 1440 + Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const DAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** As the clock on the wall there shows it, summer time and all. */
const minuteOfWeek = (at: Timestamp, timeZone: string): number => {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const parts = new Map(format.formatToParts(msOf(at)).map(({ type, value }) => [type, value]));
  return DAYS.indexOf(parts.get('weekday') ?? '') * 1440 + Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
};
