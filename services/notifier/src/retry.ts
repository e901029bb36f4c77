/** When a call that failed is made again. Pure. */

export interface Schedule {
  /** The first pause; each further one is twice as long. */
  readonly firstMs: number;
  /** After this long there are no more attempts. */
  readonly forMs: number;
}

export interface Failed {
  /** Attempts so far, this one among them. */
  readonly attempts: number;
  /** Since when there are attempts, in milliseconds since the epoch. */
  readonly since: number;
  readonly now: number;
  /** What the other side asked for. */
  readonly retryAfterMs: number | null;
  /** From 0 to 1: those that failed together shall not return together. */
  readonly chance: number;
}

export const LONGEST_PAUSE_MS = 6 * 60 * 60 * 1000;

/** @returns milliseconds since the epoch; null when it is over */
export const nextAttempt = ({ firstMs, forMs }: Schedule, { attempts, since, now, retryAfterMs, chance }: Failed): number | null => {
  const pause = Math.min(LONGEST_PAUSE_MS, firstMs * 2 ** Math.min(attempts - 1, 40)) * (0.75 + chance / 2);
  const at = Math.round(now + Math.min(LONGEST_PAUSE_MS, Math.max(pause, retryAfterMs ?? 0)));
  return at - since > forMs ? null : at;
};
