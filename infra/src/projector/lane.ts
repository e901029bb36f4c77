/**
 * One lane applies one shard of the log to one instance of a projection: the single owner of that checkpoint, a loop that does one
 * thing at a time. It takes pages, commits them, and lets itself be held, resumed, stopped and asked to unpark between two pages.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventType } from '@tidings/contracts/events/index';
import type { StreamId } from '@tidings/contracts/ids';
import { START, type EventLog, type Position } from '@tidings/contracts/ports/event-log';
import type { Projection } from '@tidings/contracts/projection';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { EventStore } from '../event-store/event-store.ts';
import type { Announcer } from './announce.ts';
import { backoff } from './backoff.ts';
import type { Checkpoints } from './checkpoints.ts';
import { Fenced, type Lease, type Leases } from './lease.ts';
import type { Sharing } from './sharing.ts';
import { cutBack, type PageSource, type SourcePage } from './page-source.ts';
import { createPageWriter, ProjectionBroken, RebuildStopped, type PageWriter, type WriterSettings } from './page-writer.ts';
import { ParkedSet } from './parked-set.ts';
import { errorText, parkedStreams, refuseUnpark, unparkRequest } from './parking.ts';
import { tracePage } from './page-trace.ts';
import { classify } from './poison.ts';
import { ReadAhead } from './read-ahead.ts';
import { type Instance } from './registry.ts';
import { isPending } from './transitions.ts';
import { unpark } from './unpark.ts';
import { Waker } from './waker.ts';

export interface LaneSettings extends WriterSettings {
  /** Events per page near the head. */
  readonly livePage: number;
  /** Events per page while behind. */
  readonly replayPage: number;
  /** How long a checkpoint may stay behind when nothing but foreign events passed by. */
  readonly flushMs: number;
  /** Under load, how long an urgent projection gathers between two live pages at most. */
  readonly urgentMs: number;
  /** How long one that is not gathers at least, and at most. */
  readonly gatherMs: number;
  readonly busyMs: number;
  /** The same for one that is unhurried. */
  readonly unhurriedMs: number;
  /** How often a lane without the lease asks for it. */
  readonly claimMs: number;
}

export interface LaneDeps {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly events: EventStore;
  readonly leases: Pick<Leases, 'release'> & Pick<Sharing, 'acquire'>;
  readonly source: PageSource;
  readonly announcer: Announcer;
  /** Of all lanes of this process. */
  readonly checkpoints: Checkpoints;
  readonly logger: Logger;
  readonly projection: Projection;
  readonly settings: LaneSettings;
  /** After each commit. */
  readonly onPage: (events: number, ms: number) => void;
  /** The lease was taken, given up for others, or taken away. */
  readonly onMoved: (way: 'taken' | 'given' | 'lost') => void;
  /** A rebuild met poison and the lane has stopped. */
  readonly onStopped: (error: RebuildStopped) => void;
}

export type LaneState = 'starting' | 'idle' | 'working' | 'behind' | 'stuck' | 'not-owner' | 'failed';

/** Nothing happens for this long at most before a lane looks around by itself. */
const IDLE_MS = 5_000;
const STRUCTURAL_WAIT_MS = 30_000;
const STUCK_AFTER_FAILURES = 5;
/** A live page is begun this many times as long after the one before it as that took, when there is more than one event. */
const GATHER_PER_WORK = 4;
/**
 * And this long for each of its events, so that from five hundred a second on each pause is longer than the last, up to the most there is:
 * the cost of a message falls as they come faster.
 */
const GATHER_PER_EVENT_MS = 2;

const pausesOf = (projection: Projection, { urgentMs, gatherMs, busyMs, unhurriedMs }: LaneSettings) => {
  if (projection.urgent === true) return { leastMs: 0, mostMs: urgentMs };
  return projection.unhurried === true ? { leastMs: unhurriedMs, mostMs: unhurriedMs } : { leastMs: gatherMs, mostMs: busyMs };
};

interface Barrier {
  readonly at: Position;
  readonly reached: PromiseWithResolvers<Position>;
}

export class Lane {
  instance: Instance;
  readonly shard: number;
  state: LaneState = 'starting';
  waitingOn: string | null = null;
  lastProgressAt: number | null = null;
  /** Everything up to here is applied, or was none of this projection's business. */
  position: Position = START;
  /** True once it came near the head since it took the lease. */
  caughtUp = false;
  /** An engine beside Postgres is away: it goes on by itself when that is back, and no other projection minds. */
  awaitsEngine = false;

  readonly #deps: LaneDeps;
  readonly #handles: ReadonlySet<EventType>;
  readonly #waker = new Waker();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #unparks = new Set<StreamId>();
  #lease: Lease | null = null;
  #writer: PageWriter | null = null;
  #durable: Position = START;
  #parked: ParkedSet;
  #unflushedSince: number | null = null;
  #barrier: Barrier | null = null;
  readonly #ahead: ReadAhead;
  #failures = 0;
  #lastLivePage = 0;
  #lastLiveAt = 0;
  #lastLiveMs = 0;
  #givingUp = false;
  #doubted = false;

  constructor(instance: Instance, shard: number, deps: LaneDeps) {
    this.instance = instance;
    this.shard = shard;
    this.#deps = deps;
    this.#handles = new Set(deps.projection.handles);
    const { source, settings, projection } = deps;
    this.#ahead = new ReadAhead(
      (after) => source.read(after, settings.replayPage, projection.handles),
      (after) => source.reaches(after),
    );
    this.#parked = new ParkedSet(this.#handles, []);
    this.#running = this.#run();
  }

  get owned(): boolean {
    return this.#lease !== null;
  }

  /** Owned, and to stay so for all that is known. */
  get kept(): boolean {
    return this.#lease !== null && !this.#givingUp;
  }

  get held(): boolean {
    return this.#barrier !== null;
  }

  get parkedCount(): number {
    return this.#parked.size;
  }

  wake(): void {
    this.#waker.wake();
  }

  /** The heartbeat found another owner. */
  lose(lease: Lease): void {
    if (this.#lease !== lease) return;
    this.#lease = null;
    this.#deps.onMoved('lost');
    this.wake();
  }

  /** Lets others have the lease once the page in hand is committed, and its checkpoint written. */
  giveUp(): void {
    this.#givingUp = this.#lease !== null;
    this.wake();
  }

  /** A connection broke. A server that crashed may have lost the last commits, so this one looks again where its checkpoint stands. */
  doubt(): void {
    this.#doubted = true;
    this.wake();
  }

  requestUnpark(stream: StreamId): void {
    this.#unparks.add(stream);
    this.wake();
  }

  /** Halts between two pages, at `at` exactly or right here, checkpoint written; resolves with the position. Rejects when the lane ends. */
  hold(at: Position = START): Promise<Position> {
    if (this.#stop.signal.aborted || this.state === 'failed') return Promise.reject(new Fenced('the lane was stopped'));
    const reached = Promise.withResolvers<Position>();
    reached.promise.catch(() => undefined); // whoever holds awaits it; an aborted verification may not
    this.#barrier = { at, reached };
    this.wake();
    return reached.promise;
  }

  resume(): void {
    this.#barrier = null;
    this.wake();
  }

  /** Finishes the page in hand, writes the checkpoint, gives the lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted && this.state !== 'failed') {
      let isOwner = false;
      try {
        isOwner = await this.#takeOver();
        if (isOwner) await this.#project();
      } catch (error) {
        await this.#recover(error, isOwner);
      }
    }
    this.#barrier?.reached.reject(new Fenced('the lane was stopped'));
    const lease = this.#lease;
    this.#lease = null;
    if (lease !== null) await this.#deps.leases.release(lease).catch(() => undefined); // it runs out by itself
  }

  async #takeOver(): Promise<boolean> {
    const { pool, leases, projection, settings } = this.#deps;
    this.#doubted = false;
    const taken = await leases.acquire(this.instance.schemaName, this.shard);
    const wasOwned = this.owned;
    if ('heldBy' in taken) {
      this.#lease = null;
      if (wasOwned) this.#deps.onMoved('lost');
      this.state = 'not-owner';
      this.waitingOn = `the lease of ${taken.heldBy}`;
      await this.#waker.wait(settings.claimMs);
      return false;
    }
    this.#lease = taken;
    this.#givingUp = false;
    if (!wasOwned) this.#deps.onMoved('taken');
    this.#writer = createPageWriter({ pool, instance: this.instance, projection, lease: taken, settings });
    this.position = this.#durable = taken.position;
    this.#unflushedSince = null;
    this.#ahead.drop();
    this.caughtUp = false;
    const parked = await parkedStreams(pool, this.instance.schemaName, this.shard);
    this.#parked = new ParkedSet(
      this.#handles,
      parked.map((one) => one.stream),
    );
    return true;
  }

  async #project(): Promise<void> {
    const { settings } = this.#deps;
    while (!this.#stop.signal.aborted) {
      if (this.#lease === null) throw new Fenced('the lease was lost');
      if (this.#doubted) return; // and takes over from itself
      for (const stream of this.#unparks) await this.#unpark(stream);
      if (this.#givingUp) return this.#handOver(this.#lease);
      if (this.#barrier !== null && this.position >= this.#barrier.at) {
        await this.#flush();
        this.#barrier.reached.resolve(this.position);
        await this.#rest('idle', 'a comparison with the live instance', IDLE_MS);
        continue;
      }
      if (await this.#gather()) continue;
      const page = await this.#nextPage();
      if (this.#doubted) continue; // it may not be where it believes to be
      if (this.#barrier !== null && this.position >= this.#barrier.at) continue; // it was asked to halt meanwhile
      if (page !== null) await this.#apply(this.#barrier === null ? page : cutBack(page, this.#barrier.at));
      else {
        const unflushed = this.#unflushedSince === null ? null : performance.now() - this.#unflushedSince;
        if (unflushed !== null && unflushed >= settings.flushMs) await this.#flush();
        else await this.#rest('idle', null, unflushed === null ? IDLE_MS : settings.flushMs - unflushed);
      }
    }
    await this.#flush();
  }

  async #handOver(lease: Lease): Promise<void> {
    await this.#flush();
    this.#givingUp = false;
    this.#lease = null;
    this.state = 'not-owner';
    await this.#deps.leases.release(lease);
    this.#deps.onMoved('given');
  }

  /**
   * A transaction costs nearly the same for one event as for fifty; a lone event never waits, unless nobody waits for it. The busier the machine, the
   * longer a page takes and the longer the next one gathers. True when it did wait.
   */
  async #gather(): Promise<boolean> {
    const { projection, settings } = this.#deps;
    const { leastMs, mostMs } = pausesOf(projection, settings);
    const pause = Math.min(Math.max(leastMs, GATHER_PER_WORK * this.#lastLiveMs, GATHER_PER_EVENT_MS * this.#lastLivePage), mostMs);
    const rest = this.#lastLiveAt + pause - performance.now();
    const waits = this.#lastLivePage > (projection.unhurried === true ? 0 : 1) && rest > 0;
    this.#lastLivePage = 0;
    if (waits) await delay(rest, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    return waits;
  }

  /** What is next for this projection, or null at the head. */
  async #nextPage(): Promise<SourcePage | null> {
    const { source, settings } = this.#deps;
    const taken = source.take(this.position, settings.livePage);
    if (taken !== 'behind') {
      this.#ahead.drop();
      this.caughtUp = true; // the head itself may keep moving away
      if (taken === 'empty') return null;
      this.state = 'working';
      return { ...taken, events: taken.events.filter((event) => this.#handles.has(event.type)) };
    }
    this.state = 'behind';
    this.waitingOn = 'the log';
    return this.#ahead.take(this.position);
  }

  async #apply(page: SourcePage): Promise<void> {
    const { events, unreadable } = this.#parked.sift(page);
    if (events.length === 0 && unreadable.length === 0) {
      this.#pass(page.next);
      return;
    }
    const began = performance.now();
    const startedAt = Date.now();
    const live = this.state === 'working';
    this.waitingOn = 'Postgres';
    const parkings = await this.#mustWrite().commitOrPark({
      events,
      unreadable,
      from: this.#durable,
      to: page.next,
      strict: isPending(this.instance),
      signal: this.#stop.signal,
    });
    for (const parking of parkings) {
      this.#parked.add(parking.stream);
      this.#deps.logger.error({ projection: this.instance.schemaName, ...parking }, 'parked a stream that cannot be applied');
    }
    this.#moved(page.next);
    this.#durable = page.next;
    this.#unflushedSince = null;
    this.#deps.announcer.applied(this.instance.name, this.instance.schemaName, page.next);
    this.#deps.onPage(events.length, performance.now() - began);
    this.#lastLivePage = live ? events.length : 0;
    this.#lastLiveAt = began;
    this.#lastLiveMs = performance.now() - began;
    if (live) tracePage(this.#deps.logger, this.instance.schemaName, events, startedAt, Date.now());
  }

  /** Nothing of the page concerns this projection: no transaction, the checkpoint follows within `flushMs` or with the next page. */
  #pass(next: Position): void {
    this.#moved(next);
    this.#unflushedSince ??= performance.now();
    this.#deps.announcer.passed(this.instance.schemaName, next);
  }

  async #flush(): Promise<void> {
    this.#unflushedSince = null;
    if (this.#durable === this.position) return;
    const to = this.position;
    await this.#deps.checkpoints.pass({ lease: this.#mustOwn(), from: this.#durable, to });
    this.#durable = to;
  }

  #moved(next: Position): void {
    this.position = next;
    this.lastProgressAt = Date.now();
    this.awaitsEngine = false;
    this.#failures = 0;
  }

  async #rest(state: LaneState, waitingOn: string | null, ms: number): Promise<void> {
    this.state = state;
    this.waitingOn = waitingOn;
    this.#failures = 0;
    await this.#waker.wait(ms);
  }

  async #unpark(stream: StreamId): Promise<void> {
    const { pool, log, events, logger } = this.#deps;
    this.#unparks.delete(stream);
    const name = this.instance.schemaName;
    const request = await unparkRequest(pool, name, stream);
    if (request === null) return; // it was answered meanwhile
    await this.#flush();
    const refused = await unpark({
      ...{ log, events, name, stream },
      writer: this.#mustWrite(),
      handles: this.#handles,
      fromRevision: request.fromRevision,
      position: this.position,
    });
    if (refused === null) {
      this.#parked.delete(stream);
      this.#deps.announcer.applied(this.instance.name, name, this.position);
      this.#deps.announcer.rewritten();
      logger.info({ projection: name, stream }, 'a parked stream flows again');
    } else {
      await refuseUnpark(pool, name, stream, request, refused);
      logger.warn({ projection: name, stream, reason: refused }, 'a parked stream still cannot be applied');
    }
  }

  #mustOwn(): Lease {
    if (this.#lease === null) throw new Fenced('the lease was lost');
    return this.#lease;
  }

  #mustWrite(): PageWriter {
    this.#mustOwn();
    if (this.#writer === null) throw new Fenced('the lease was never taken');
    return this.#writer;
  }

  /** @param isOwner it had its checkpoint, and got on until then */
  async #recover(error: unknown, isOwner: boolean): Promise<void> {
    const { logger, settings } = this.#deps;
    this.#barrier?.reached.reject(error);
    this.#barrier = null;
    const context = { err: error, projection: this.instance.schemaName, shard: this.shard, position: this.position };
    this.waitingOn = errorText(error);
    if (error instanceof RebuildStopped) {
      this.state = 'failed';
      logger.error(context, 'a rebuild met an event that it cannot apply, and stopped');
      this.#deps.onStopped(error);
      return;
    }
    if (error instanceof Fenced) {
      if (this.#lease !== null) this.#deps.onMoved('lost');
      this.#lease = null;
      this.state = 'not-owner';
      logger.warn(context, 'another owner has this checkpoint now');
      await this.#waker.wait(settings.claimMs);
      return;
    }
    this.#failures += 1;
    this.awaitsEngine = error instanceof Error && error.name === 'WordIndexUnavailable';
    if (this.awaitsEngine) this.state = 'behind';
    else if (this.#failures >= STUCK_AFTER_FAILURES) this.state = 'stuck';
    const slow = error instanceof ProjectionBroken || classify(error) !== 'transient';
    if (isOwner || slow) logger[slow ? 'error' : 'warn'](context, 'a page could not be applied; trying again');
    else logger.debug(context, 'the checkpoint cannot be taken up; trying again'); // all lanes at once, and the projector says that Postgres is away
    await backoff(this.#failures, this.#stop.signal, slow ? STRUCTURAL_WAIT_MS : undefined);
  }
}
