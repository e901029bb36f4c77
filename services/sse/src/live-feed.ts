/** The live feed of one process: a loop that follows the feed, the streams it feeds (what they are told: telling.ts), and how both are doing. */
import type { LiveCursor } from '@tidings/contracts/http/live';
import { subjectId, type SubjectId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { msOf, timestamp } from '@tidings/contracts/time';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { mayBeTold } from '@tidings/projections/feed/told';
import { REWRITTEN } from '@tidings/infra/projector/announce';
import { Waker } from '@tidings/infra/projector/waker';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor } from '../../http-kit/src/ctx.ts';
import type { Platform, Service, ServiceHealth } from '../../platform/src/platform.ts';
import { Admission, startOf, type Start } from './admission.ts';
import { Comings } from './comings.ts';
import { feedReader, type FeedReader } from './feed-reader.ts';
import { liveFrame, opening } from './frames.ts';
import { HeartbeatWheel } from './heartbeat.ts';
import { Hub } from './hub.ts';
import { createMeasures, type Measures } from './measures.ts';
import { UNTOLD, type Presence } from './presence.ts';
import { Stream } from './stream.ts';
import { HOT_MS, Telling } from './telling.ts';
import { TypingTellers } from './typing.ts';
import { parseWhisper } from '@tidings/contracts/ephemeral';

export interface LiveFeedOptions {
  readonly maxConnections: number;
}
const DEFAULTS: LiveFeedOptions = { maxConnections: 50_000 };

/** Between two polls when events keep coming: collects a handful at a time and leaves the processor to others. */
const GAP_MS = 3;
/** How long to wait for a hint before looking when events have stopped. */
const IDLE_MS = 250;
const HOT_FOR_MS = 1000;
const RETRY_MS = 500;
/** How long a client that comes as we start may wait for us. */
const START_BUDGET_MS = 3000;
const STUCK_AFTER_MS = 10_000;
/** What streams get to send their last bytes when we stop. */
const LAST_BYTES_MS = 1000;

/** What there is once the feed could be read. */
interface Following {
  readonly hub: Hub;
  readonly admission: Admission;
}

/** Raised while the feed cannot be read at all, which is for the caller to retry. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}
export class TooManyStreams extends Error {
  override readonly name = 'TooManyStreams';
}

export class LiveFeed implements Service {
  readonly name = 'sse';
  readonly #platform: Platform;
  readonly #options: LiveFeedOptions;
  readonly #reader: FeedReader;
  readonly #presence: Presence;
  readonly #waker = new Waker();
  readonly #wheel: HeartbeatWheel;
  readonly #measures: Measures;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #telling: Telling;
  readonly #typing: TypingTellers;
  readonly #comings: Comings;
  readonly #running: Promise<void>;
  readonly #begun = Promise.withResolvers<Following>();
  readonly #erased = new Set<SubjectId>();
  #following: Following | null = null;
  #stopped = false;
  /** Called when the last stream has closed. */
  #emptied: () => void = () => {};
  #lastProgressAt: number;
  #lastRowAt = 0;
  #fault: string | null = null;

  /** @param presence is told who comes and goes; it stops with the feed */
  constructor(platform: Platform, options: Partial<LiveFeedOptions> = {}, presence: Presence = UNTOLD) {
    this.#platform = platform;
    this.#presence = presence;
    this.#options = { ...DEFAULTS, ...options };
    this.#reader = feedReader(platform);
    this.#wheel = new HeartbeatWheel(platform.now);
    this.#lastProgressAt = platform.now();
    this.#measures = createMeasures([platform.metrics], {
      connections: () => this.#wheel.size,
      users: () => this.#following?.hub.users ?? 0,
      delivered: () => this.#following?.hub.delivered ?? 0,
    });
    this.#telling = new Telling({
      reader: this.#reader,
      distance: (from, to) => platform.log.distance(from, to),
      now: platform.now,
      hub: () => (this.#wheel.size === 0 ? null : (this.#following?.hub ?? null)),
      wake: () => this.#waker.wake(),
      onTold: (rows) => this.#noteDelay(rows),
    });
    this.#comings = new Comings(() => this.#following?.hub ?? null, platform);
    this.#typing = new TypingTellers(() => this.#following?.hub ?? null, platform.now);
    this.#unsubscribe = [
      platform.signals.subscribe('ephemeral', (payload) => this.#hear(payload)),
      platform.signals.subscribe('projection', (payload) => this.#hint(payload)),
      // Whoever is erased is told nothing more, also not by a ticket they still hold.
      platform.keys.onDestroyed((subject) => {
        this.#erased.add(subject);
        for (const stream of this.#wheel.streams()) if (subjectId(stream.user) === subject) stream.close('expired');
      }),
      platform.events.onAppended((event) => {
        if (this.#wheel.size > 0) this.#telling.appended(event);
      }),
      this.#hearOfGrowth(),
    ];
    this.#running = this.#follow();
  }

  /**
   * Where a stream for a client with this last id begins. Asked before anything is sent, so that a refusal is still an HTTP answer.
   * @throws NotReady, TooManyStreams, and what `FeedReader` throws
   */
  async start(lastEventId: LiveCursor | null): Promise<Start> {
    const following = this.#following ?? (await Promise.race([this.#begun.promise, sleep(START_BUDGET_MS, null, { ref: false })]));
    if (following === null || this.#stopped) throw new NotReady(this.#fault ?? 'the live feed is starting');
    if (this.#wheel.size >= this.#options.maxConnections) {
      this.#measures.refused.inc();
      throw new TooManyStreams(`${this.#wheel.size} streams are open`);
    }
    return startOf(lastEventId, following.hub, this.#reader);
  }

  /** Takes over a socket whose response head is sent, until either side ends it. */
  open(socket: Socket, actor: Pick<Actor, 'userId' | 'expiresAt'>, { after, resync }: Start): void {
    const stream = new Stream(socket, actor.userId, actor.expiresAt);
    const following = this.#following;
    const isErased = this.#erased.has(subjectId(actor.userId));
    const presence = isErased ? UNTOLD : this.#presence; // nothing new is to be remembered of them
    this.#wheel.add(stream);
    presence.opened(actor.userId);
    socket.on('close', () => {
      this.#wheel.remove(stream);
      presence.closed(actor.userId);
      this.#following?.hub.leave(stream);
      this.#measures.closed.inc({ reason: stream.ending ?? 'client' });
      if (this.#wheel.size === 0) this.#emptied();
    });
    if (following === null || this.#stopped || socket.destroyed) {
      stream.close('stopping');
      if (socket.destroyed) {
        this.#wheel.remove(stream); // its close was told before we listened
        presence.closed(actor.userId);
      }
      return;
    }
    if (isErased) {
      stream.close('expired');
      return;
    }
    this.#waker.wake();
    stream.send(opening(after));
    if (resync !== null) stream.send(liveFrame(after, { type: 'Resync', createdAt: timestamp(this.#platform.now()), reason: resync }));
    following.admission.admit(stream, after).catch((error: unknown) => {
      // The client comes back on its own and resumes; nothing was lost.
      this.#platform.logger.warn({ err: error }, 'a live stream could not catch up');
      stream.close('failed');
    });
  }

  health(): ServiceHealth {
    return {
      state: this.#state(),
      lastProgressAt: this.#lastProgressAt,
      waitingOn: this.#fault ?? 'the feed projection',
      detail: {
        connections: this.#wheel.size,
        users: this.#following?.hub.users ?? 0,
        delivered: this.#following?.hub.delivered ?? 0,
        position: this.#following?.hub.cursor.position ?? null,
      },
    };
  }

  #state(): ServiceHealth['state'] {
    if (this.#platform.now() - this.#lastProgressAt > STUCK_AFTER_MS) return 'stuck';
    if (this.#following === null) return 'starting';
    return this.#hot() ? 'working' : 'idle';
  }

  /** Ends all streams; their clients resume elsewhere, or here after a restart. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#waker.wake();
    this.#typing.stop();
    this.#comings.stop();
    this.#wheel.stop();
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const stream of this.#wheel.streams()) stream.close('stopping');
    if (this.#wheel.size > 0) await Promise.race([emptied, sleep(LAST_BYTES_MS, undefined, { ref: false })]);
    for (const stream of this.#wheel.streams()) stream.destroy();
    await Promise.all([this.#running, this.#presence.stop()]);
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (await this.#poll()) await sleep(GAP_MS);
        else await this.#waker.wait(this.#hot() ? HOT_MS : IDLE_MS);
      } catch (error) {
        if (this.#fault === null) this.#platform.logger.warn({ err: error }, 'the live feed cannot be read; trying again');
        this.#fault = error instanceof Error ? error.message : String(error);
        await sleep(RETRY_MS);
      }
    }
  }

  /** One look at the feed; true when there was something. */
  async #poll(): Promise<boolean> {
    const hub = this.#following?.hub ?? (await this.#begin());
    let found = false;
    if (this.#wheel.size === 0) {
      this.#telling.forget();
      hub.skipTo(await this.#reader.end());
    } else {
      found = await this.#telling.look(hub);
    }
    if (this.#fault !== null) this.#platform.logger.info('the live feed can be read again');
    this.#fault = null;
    this.#lastProgressAt = this.#platform.now();
    return found;
  }

  /** Positions of several shards cannot be compared: then the tables tell. */
  #hearOfGrowth(): () => void {
    const { log } = this.#platform;
    const unsubscribe =
      log.shards.length > 1
        ? undefined
        : log.onGrown?.((_, position, types) => {
            if (this.#wheel.size > 0 && (types === undefined || mayBeTold(types))) this.#telling.grown(position);
          });
    return () => unsubscribe?.();
  }

  #hear(payload: string): void {
    const whisper = parseWhisper(payload);
    if (whisper?.type === 'typing') this.#typing.hear(whisper);
    if (whisper?.type === 'presence') this.#comings.hear(whisper.userIds);
  }

  #hint(payload: string): void {
    if (payload.startsWith(REWRITTEN)) this.#telling.forget();
    const [, position] = payload.startsWith('feed@') ? payload.split('@') : [];
    if (position !== undefined) this.#telling.announced(position as Position); // as the announcer writes it
  }

  async #begin(): Promise<Hub> {
    const hub = new Hub(await this.#reader.end());
    this.#following = { hub, admission: new Admission(hub, this.#reader) };
    this.#begun.resolve(this.#following);
    return hub;
  }

  #noteDelay(rows: readonly FeedRow[]): void {
    if (rows.length === 0) return;
    const now = this.#platform.now();
    this.#lastRowAt = now;
    for (const row of rows) this.#measures.delay.observe(Math.max(0, now - msOf(row.recordedAt)) / 1000);
  }

  #hot(): boolean {
    return this.#platform.now() - this.#lastRowAt < HOT_FOR_MS;
  }
}
