/** `RATE_LIMITS`: how often one caller may ask. Far above what a person does; they keep one program that went wild from harming the others. */
import { type Variable, variable } from './variable.ts';

/**
 * `failures` are requests with tokens that are not valid, counted by address; the rest are counted by user. `service` is whatever comes with an
 * admin token: a back end speaks for many people by one.
 */
export const RATE_CLASSES = ['messages', 'writes', 'reads', 'uploads', 'service', 'failures'] as const;
export type RateClass = (typeof RATE_CLASSES)[number];

export interface Rate {
  readonly perSecond: number;
  /** So many at once, after a pause. */
  readonly burst: number;
}
/** null: without limit. */
export type RateLimits = Readonly<Record<RateClass, Rate | null>>;

export const DEFAULT_RATES: RateLimits = {
  messages: { perSecond: 50, burst: 200 },
  writes: { perSecond: 100, burst: 500 },
  reads: { perSecond: 300, burst: 1500 },
  uploads: { perSecond: 10, burst: 100 },
  service: { perSecond: 2000, burst: 10_000 },
  failures: { perSecond: 5, burst: 100 },
};

const UNLIMITED: RateLimits = { messages: null, writes: null, reads: null, uploads: null, service: null, failures: null };

/** `messages=50/200,reads=off`: what is left out keeps its default. Undefined for anything else. */
const parseRates = (text: string): RateLimits | undefined => {
  if (text === 'default') return DEFAULT_RATES;
  if (text === 'off') return UNLIMITED;
  const own = new Map<RateClass, Rate | null>();
  for (const part of text.split(',')) {
    const [, name, figures = ''] = /^\s*(\w+)=(\S+)\s*$/.exec(part) ?? [];
    const rateClass = RATE_CLASSES.find((known) => known === name);
    const rate = parseRate(figures);
    if (rateClass === undefined || rate === undefined || own.has(rateClass)) return undefined;
    own.set(rateClass, rate);
  }
  return { ...DEFAULT_RATES, ...Object.fromEntries(own) };
};

const parseRate = (figures: string): Rate | null | undefined => {
  if (figures === 'off') return null;
  const [, perSecond, burst] = /^(\d{1,6}(?:\.\d{1,3})?)\/(\d{1,7})$/.exec(figures) ?? [];
  const rate = { perSecond: Number(perSecond), burst: Number(burst) };
  return rate.perSecond > 0 && rate.burst >= 1 ? rate : undefined;
};

export const formatRates = (rates: RateLimits): string =>
  RATE_CLASSES.map((name) => `${name}=${rates[name] === null ? 'off' : `${rates[name].perSecond}/${rates[name].burst}`}`).join(',');

export const rateLimits: Variable<RateLimits> = variable(
  'default, off, or classes with their figures per second and at once, as in messages=50/200,reads=off',
  DEFAULT_RATES,
  parseRates,
);
