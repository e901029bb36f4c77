/** How many machines so many users need: a small model of rates, processor time and bytes, over measured costs (docs/scale.md). Pure. */
import type { Costs, MessageCosts } from '../bench/costs-file.ts';

/** What is not measured but supposed. */
export interface Assumptions {
  /** For each user and day. */
  readonly chatMessages: number;
  readonly mailsIn: number;
  readonly mailsOut: number;
  /** The busiest second over the mean of the day. */
  readonly peak: number;
  /** Of the room a message is said in. */
  readonly members: number;
  /** Share of users who have live streams open at the peak, and how many each. */
  readonly online: number;
  readonly devices: number;
  /** Share of a processor, a log or an owner that is planned for; the rest is for queues to stay short. */
  readonly utilisation: number;
  readonly coresPerMachine: number;
  readonly memoryGigabytes: number;
  readonly keptDays: number;
}

export const ASSUMPTIONS: Assumptions = {
  ...{ chatMessages: 40, mailsIn: 20, mailsOut: 8, peak: 5, members: 6, online: 0.3, devices: 1.5 },
  ...{ utilisation: 0.5, coresPerMachine: 16, memoryGigabytes: 64, keptDays: 365 },
};

/** The stage of `Costs` that is paid for each stream, not for each message. */
export const TELL = 'tell one stream';

export interface Plan {
  readonly users: number;
  /** Each second, at the peak. */
  readonly rates: {
    readonly chat: number;
    readonly mailIn: number;
    readonly mailOut: number;
    readonly events: number;
    readonly told: number;
  };
  readonly streams: number;
  /** Busy at the peak, by stage; not yet divided by the utilisation. */
  readonly busyCores: ReadonlyMap<string, number>;
  /** Of each read model, which one process at a time works on. */
  readonly busyReadModels: ReadonlyMap<string, number>;
  readonly machines: number;
  readonly streamGigabytes: number;
  /** After `keptDays`, by place. */
  readonly gigabytes: ReadonlyMap<string, number>;
}

const DAY_SECONDS = 86_400;

export const planFor = (users: number, costs: Costs, assumed: Assumptions): Plan => {
  const atPeak = (perDay: number): number => (users * perDay * assumed.peak) / DAY_SECONDS;
  const kinds = [
    { cost: costs.chat, perDay: assumed.chatMessages },
    { cost: costs.mailIn, perDay: assumed.mailsIn },
    { cost: costs.mailOut, perDay: assumed.mailsOut },
  ].map((kind) => ({ ...kind, rate: atPeak(kind.perDay) }));
  const [chat, mailIn, mailOut] = kinds.map(({ rate }) => rate) as [number, number, number];
  const told = chat * assumed.members * assumed.online * assumed.devices;
  const streams = users * assumed.online * assumed.devices;

  const busyCores = new Map<string, number>();
  for (const { cost, rate } of kinds)
    for (const [stage, ms] of Object.entries(cost.cpuMs)) add(busyCores, stage, ((stage === TELL ? told : rate) * ms) / 1_000);
  const busyReadModels = new Map<string, number>();
  for (const { cost, rate } of kinds)
    for (const [name, { cpuMs }] of Object.entries(cost.readModels)) add(busyReadModels, name, (rate * cpuMs) / 1_000);
  const gigabytes = new Map<string, number>();
  for (const { cost, perDay } of kinds)
    for (const [place, bytes] of Object.entries(cost.bytes))
      if (place !== 'wal') add(gigabytes, place, (users * perDay * assumed.keptDays * bytes) / 1e9);

  const streamGigabytes = (streams * costs.limits.streamKilobytes) / 1e6;
  const cores = sum(busyCores) / assumed.utilisation;
  return {
    ...{ users, streams, busyCores, busyReadModels, streamGigabytes, gigabytes },
    rates: { chat, mailIn, mailOut, told, events: kinds.reduce((all, { cost, rate }) => all + rate * eventsOf(cost), 0) },
    machines: Math.max(1, Math.ceil(cores / assumed.coresPerMachine), Math.ceil((2 * streamGigabytes) / assumed.memoryGigabytes)),
  };
};

const eventsOf = ({ events }: MessageCosts): number => events;
const add = (sums: Map<string, number>, key: string, more: number): void => void sums.set(key, (sums.get(key) ?? 0) + more);
export const sum = (parts: ReadonlyMap<string, number>): number => [...parts.values()].reduce((all, part) => all + part, 0);
export const busiest = (parts: ReadonlyMap<string, number>): readonly [string, number] =>
  [...parts].toSorted(([, a], [, b]) => b - a)[0] ?? ['none', 0];

/** The least number of users for whom it holds, to two digits; it must hold for all beyond. Null when ten thousand million are not enough. */
export const usersUntil = (holds: (users: number) => boolean): number | null => {
  let [low, high] = [1, 1e10];
  if (!holds(high)) return null;
  while (high / low > 1.005) {
    const middle = Math.sqrt(low * high);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return Number(high.toPrecision(2));
};

/**
 * How long 99 of 100 are under way at one server with exponential service (M/M/1), in service times: ln(100) / (1 - utilisation).
 * Real ones vary less and take several at once, so it is a bound to plan with.
 */
export const p99InServiceTimes = (utilisation: number): number => Math.log(100) / (1 - utilisation);
