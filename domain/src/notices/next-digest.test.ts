import { expect, it } from 'vitest';
import { isTimeZone, nextDigest } from './index.ts';

const next = (timeZone: string, times: readonly string[], after: string): string => nextDigest({ timeZone, times }, Date.parse(after));

it('goes at the next of its times in the zone of its reader', () => {
  expect(next('UTC', ['08:00'], '2026-03-01T07:59:59.999Z')).toBe('2026-03-01T08:00:00.000Z');
  expect(next('UTC', ['08:00'], '2026-03-01T08:00:00.000Z')).toBe('2026-03-02T08:00:00.000Z');
  expect(next('Europe/Paris', ['08:00', '17:30'], '2026-01-10T08:00:00Z')).toBe('2026-01-10T16:30:00.000Z');
  expect(next('Asia/Kolkata', ['08:00'], '2026-01-10T20:00:00Z')).toBe('2026-01-11T02:30:00.000Z');
  expect(next('Pacific/Auckland', ['00:00'], '2026-01-10T10:59:00Z')).toBe('2026-01-10T11:00:00.000Z');
});

it('keeps the time of day when the clocks change', () => {
  expect(next('Europe/Paris', ['08:00'], '2026-03-28T07:00:00Z')).toBe('2026-03-29T06:00:00.000Z');
  expect(next('Europe/Paris', ['08:00'], '2026-10-24T06:00:00Z')).toBe('2026-10-25T07:00:00.000Z');
});

it('goes once on a day whose clock skips its time, or shows it twice', () => {
  expect(next('Europe/Paris', ['02:30'], '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:30:00.000Z');
  const inOctober = (after: string): string => next('Europe/Paris', ['02:30'], after);
  const once = inOctober('2026-10-24T12:00:00Z');
  expect(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']).toContain(once);
  expect(inOctober('2026-10-25T00:10:00Z')).toBe(once);
  expect(inOctober(once)).toBe('2026-10-26T01:30:00.000Z');
});

it('knows the zones there are', () => {
  expect(['Europe/Paris', 'UTC', 'Middle/Earth', ''].map(isTimeZone)).toEqual([true, true, false, false]);
});
