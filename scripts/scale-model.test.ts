import { describe, expect, it } from 'vitest';
import type { Costs, MessageCosts } from '../bench/costs-file.ts';
import { ASSUMPTIONS, busiest, p99InServiceTimes, planFor, sum, TELL, usersUntil } from './scale-model.ts';

const nothing: MessageCosts = { messages: 1, perSecond: 1, events: 0, cpuMs: {}, bytes: {}, readModels: {} };
const costs: Costs = {
  ...{ machine: 'a machine', measuredAt: '2026-11-30T00:00:00.000Z', idleCpuMs: 0 },
  chat: {
    ...nothing,
    events: 2,
    cpuMs: { accept: 1, [TELL]: 0.5 },
    bytes: { log: 1_000, wal: 9_999 },
    readModels: { feed: { cpuMs: 0.25, bytes: 0 } },
  },
  mailIn: { ...nothing, events: 1, cpuMs: { accept: 10 }, readModels: { feed: { cpuMs: 1, bytes: 0 }, threads: { cpuMs: 3, bytes: 0 } } },
  mailOut: nothing,
  limits: { append: 1_000, read: 10_000, streamKilobytes: 20 },
};
const assumed = {
  ...ASSUMPTIONS,
  ...{ chatMessages: 10, mailsIn: 1, mailsOut: 0, peak: 1, members: 4, online: 0.5, devices: 1, keptDays: 10 },
};
/** 1,000 chat messages and 100 mails a second. */
const plan = planFor(8_640_000, costs, assumed);

describe('a plan', () => {
  it('has rates, busy processors and bytes of what was measured', () => {
    expect(plan.rates).toEqual({ chat: 1_000, mailIn: 100, mailOut: 0, told: 2_000, events: 2_100 });
    expect(Object.fromEntries(plan.busyCores)).toEqual({ accept: 2, [TELL]: 1 });
    expect(Object.fromEntries(plan.busyReadModels)).toEqual({ feed: 0.35, threads: 0.3 });
    expect(busiest(plan.busyReadModels)[0]).toBe('feed');
    expect(Object.fromEntries(plan.gigabytes)).toEqual({ log: 864 });
    expect(sum(plan.busyCores)).toBe(3);
  });

  it('has machines for processors and for the memory of streams, whichever asks for more', () => {
    expect(plan.streams).toBe(4_320_000);
    expect(plan.streamGigabytes).toBeCloseTo(86.4);
    expect(plan.machines).toBe(3);
    expect(planFor(8_640_000, costs, { ...assumed, coresPerMachine: 1 }).machines).toBe(6);
    expect(planFor(10, costs, assumed).machines).toBe(1);
  });
});

describe('where something is reached', () => {
  it('is found to two digits', () => {
    expect(usersUntil((users) => planFor(users, costs, assumed).rates.events >= 1_050)).toBe(4_300_000);
    expect(usersUntil(() => false)).toBeNull();
  });
});

it('queues grow without bound as the utilisation nears one', () => {
  expect(p99InServiceTimes(0.5)).toBeCloseTo(9.21, 2);
  expect(p99InServiceTimes(0.9)).toBeCloseTo(46.05, 2);
});
