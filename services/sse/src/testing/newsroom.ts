/** For tests of the live stream: a story, the feed's tables in a real Postgres, and as many serving nodes as wanted, each on its own port. */
import { projectionTx } from '@tidings/infra/projector/session';
import { openPool, openReadPool } from '@tidings/infra/postgres/pools';
import { inProcessSignals } from '@tidings/infra/signals/in-process';
import type { Recorded } from '@tidings/contracts/events/index';
import { START, type EventLog, type GrowthListener, type LoggedEvent, type Position } from '@tidings/contracts/ports/event-log';
import type { EventStore } from '@tidings/infra/event-store/event-store';
import type { Freshness } from '@tidings/infra/projector/freshness';
import { applyFeed, createFeed, Story } from '@tidings/projections/feed/testing/story';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createHttpApp } from '../../../http-kit/src/app.ts';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { knownPeople, person } from '../../../http-kit/src/testing/known-people.ts';
import { memoryPlatform } from '../../../http-kit/src/testing/memory-platform.ts';
import { sse, LiveFeed } from '../index.ts';
import type { LiveFeedOptions } from '../live-feed.ts';

export interface Node {
  readonly url: string;
  readonly feed: LiveFeed;
  readonly metrics: Registry;
  readonly close: () => Promise<void>;
}

export interface Newsroom {
  readonly story: Story;
  /** The feed catches up with the story, in pages of this size. */
  readonly publish: (pageSize?: number) => Promise<void>;
  readonly node: (options?: Partial<LiveFeedOptions>, ...people: readonly Actor[]) => Promise<Node>;
  /** The process of the nodes appended these itself: they know them before the tables do. */
  readonly appendedHere: (...events: readonly Recorded[]) => void;
  /** Other processes appended all that the story has by now, and this one hears of it. */
  readonly appendedElsewhere: () => void;
  /** A new instance of the feed, built from the story so far, becomes the live one. */
  readonly cutOver: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openNewsroom = async (databaseUrl: string): Promise<Newsroom> => {
  const common = { url: databaseUrl, logger: pino({ level: 'silent' }) };
  const pool = openPool({ ...common, name: 'newsroom', max: 2 });
  const signals = inProcessSignals();
  const story = new Story();
  const client: PoolClient = await pool.connect();
  let instance = 1;
  const schema = (): string => `"feed_${instance}"`;
  let applied = 0;
  let published = 0;
  const nodes: Node[] = [];
  const growthListeners = new Set<GrowthListener>();
  const log: Partial<EventLog> = {
    onGrown: (listener) => {
      growthListeners.add(listener);
      return () => growthListeners.delete(listener);
    },
    shards: [0],
    head: () => Promise.resolve(story.head),
    distance: (from, to) => Number(to) - Number(from),
    readAll: (_, after, limit) => {
      // Stored and opened are the same here.
      const events = story.events.filter((event) => event.position > after).slice(0, limit) as unknown as LoggedEvent[];
      return Promise.resolve({ events, next: events.at(-1)?.position ?? after, atHead: events.length < limit });
    },
  };
  const listeners = new Set<(event: Recorded) => void>();
  const events: Partial<EventStore> = {
    open: (logged) => Promise.resolve({ events: logged as unknown as readonly Recorded[], unknown: 0, faults: [] }),
    onAppended: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  /** As far as the tables are. */
  const reached = (): Position => story.events[published - 1]?.position ?? START;
  const freshness: Freshness = {
    waitFor: async (position, _, budgetMs) => {
      for (const end = Date.now() + budgetMs; reached() < position; await delay(1)) if (Date.now() >= end) return false;
      return true;
    },
    close: () => Promise.resolve(),
  };

  const publish = async (pageSize?: number): Promise<void> => {
    const upTo = story.events.length;
    const fresh = story.events.slice(applied, upTo);
    applied = upTo;
    await applyFeed(projectionTx(client, schema()), schema(), fresh, pageSize);
    published = upTo;
    signals.publish('projection', `feed@${story.head}`);
  };
  await createFeed((script) => client.query(script), schema());

  return {
    story,
    publish,
    appendedHere: (...fresh) => {
      for (const event of fresh) for (const listener of listeners) listener(event);
    },
    appendedElsewhere: () => {
      for (const listener of growthListeners) listener(0, story.head);
    },
    cutOver: async () => {
      await publish();
      const next = `"feed_${instance + 1}"`;
      await createFeed((script) => client.query(script), next);
      await applyFeed(projectionTx(client, next), next, story.events, 7);
      instance++;
    },
    node: async (options = {}, ...people) => {
      const read = await openReadPool({ ...common, name: 'newsroom-read', max: 4 });
      const platform = memoryPlatform({
        ...{ log: log as EventLog, events: events as EventStore, freshness }, // the stream asks for no more
        ...{ read, signals, metrics: new Registry(), liveSchema: schema },
      });
      const known = people.length > 0 ? people : ['ada', 'bob', 'cyd', 'dan'].map((name) => person(name));
      const app = createHttpApp(platform, { identity: knownPeople(...known) });
      const feed = new LiveFeed(platform, options);
      await app.register(sse(platform, feed));
      await app.listen({ host: '127.0.0.1', port: 0 });
      const { port } = app.server.address() as AddressInfo; // it listens on TCP
      const node: Node = {
        url: `http://127.0.0.1:${port}`,
        feed,
        metrics: platform.metrics,
        close: async () => {
          await app.close();
          await read.end();
        },
      };
      nodes.push(node);
      return node;
    },
    close: async () => {
      await Promise.all(nodes.map((node) => node.close().catch(() => undefined))); // some tests close theirs earlier
      client.release();
      await pool.end();
    },
  };
};
