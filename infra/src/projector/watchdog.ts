/** Looks at a lane at intervals: how fast it is, how far behind, and whether it stands still although there is work. */
import { START, type EventLog, type Position } from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import type { Lane, LaneState } from './lane.ts';
import type { LaneStatus } from './status.ts';

/** Time constant of the smoothed rate. */
const SMOOTHING_MS = 4_000;

export class Watchdog {
  readonly lane: Lane;
  /** Log events passed per second. */
  rate = 0;
  head: Position = START;
  readonly #log: EventLog;
  readonly #stuckAfterMs: number;
  #lookedAt = performance.now();
  #position: Position | null = null;
  /** Last time it moved or had nothing to do. */
  #fineAt = performance.now();

  constructor(lane: Lane, log: EventLog, stuckAfterMs: number) {
    this.lane = lane;
    this.#log = log;
    this.#stuckAfterMs = stuckAfterMs;
  }

  look(head: Position): void {
    const now = performance.now();
    const { position } = this.lane;
    const passed = (this.#position === null || position < this.#position ? 0 : this.#log.distance(this.#position, position)) ?? 0;
    const elapsed = Math.max(1, now - this.#lookedAt);
    const weight = 1 - Math.exp(-elapsed / SMOOTHING_MS);
    const current = (passed * 1_000) / elapsed;
    this.rate = this.rate === 0 ? current : this.rate + weight * (current - this.rate);
    if (this.rate < 0.5) this.rate = 0;
    if (position >= head || position !== this.#position || this.lane.held || this.lane.awaitsEngine || !this.lane.owned) this.#fineAt = now;
    this.#position = position;
    this.#lookedAt = now;
    this.head = head > position ? head : position;
  }

  get state(): LaneState {
    const { state } = this.lane;
    if (state === 'failed' || state === 'not-owner') return state;
    return performance.now() - this.#fineAt > this.#stuckAfterMs ? 'stuck' : state;
  }

  /** Events between the lane and the head; null where the log cannot count. */
  get lag(): number | null {
    // The head is the last one looked up; a lane may have passed it since.
    const distance = this.#log.distance(this.lane.position, this.head);
    return distance === null ? null : Math.max(0, distance);
  }

  status(owner: string): LaneStatus {
    const { lane } = this;
    return {
      name: lane.instance.schemaName,
      shard: lane.shard,
      owner,
      state: this.state,
      waitingOn: lane.waitingOn,
      position: lane.position,
      head: this.head,
      done: this.#log.distance(START, lane.position),
      total: this.#log.distance(START, this.head),
      rate: Math.round(this.rate * 10) / 10,
      lastProgressAt: lane.lastProgressAt === null ? null : timestamp(lane.lastProgressAt),
    };
  }
}
