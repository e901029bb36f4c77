/** The last steps of a build, when its lanes have caught up: indexes, verification, ready. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { SqlSession } from '@tidings/contracts/ports/sql';
import type { Projection } from '@tidings/contracts/projection';
import type { Pool } from 'pg';
import type { Lane } from './lane.ts';
import { parkedStreams } from './parking.ts';
import { createIndexes, instances, schemaOf, setError, setState, type Instance } from './registry.ts';
import { withClient } from './session.ts';
import { compareEqual, comparePlausible, positionsOf, tableSums, type Verification } from './verify.ts';

/** How long the live instance may take to come to where the build stands. */
const MEET_MS = 60_000;
const MEET_POLL_MS = 20;

export interface Build {
  readonly instance: Instance;
  readonly projection: Projection;
  /** One per shard; all owned by this process. */
  readonly lanes: readonly Lane[];
}

/** `building` → `verifying` → `ready`, or an error in the registry when the comparison failed. Null when the build was given up. */
export const finishBuild = async (pool: Pool, build: Build, signal: AbortSignal): Promise<Verification | null> => {
  const { instance, projection } = build;
  await createIndexes(pool, instance, projection);
  if (!(await setState(pool, instance, ['building', 'verifying'], 'verifying'))) return null;
  const verification = await withOutside(pool, build, await verify(pool, build, signal));
  if (verification.outcome === 'different' || verification.outcome === 'empty')
    await setError(pool, instance, verification.note, verification);
  else if (!(await setState(pool, instance, ['verifying'], 'ready', verification))) return null;
  return verification;
};

/** What the projection keeps outside Postgres has to be whole too. */
const withOutside = async (pool: Pool, { instance, projection }: Build, verification: Verification): Promise<Verification> => {
  const db: SqlSession = {
    query: async <Row extends object>(text: string, values?: readonly unknown[]) =>
      (await pool.query<Row>(text, values === undefined ? [] : [...values])).rows,
  };
  const missing = (await projection.whatIsMissing?.(schemaOf(instance), db)) ?? null;
  return missing === null ? verification : { ...verification, outcome: 'different', note: missing };
};

const verify = async (pool: Pool, build: Build, signal: AbortSignal): Promise<Verification> => {
  const { instance } = build;
  const live = (await instances(pool, instance.name)).find((one) => one.state === 'live');
  if (live === undefined) return comparePlausible(await tableSums(pool, instance), [], 'nothing is live');
  const why = await whyNotEqual(pool, instance, live);
  return why === null
    ? verifyEqual(pool, build, live, signal)
    : comparePlausible(await tableSums(pool, instance), await tableSums(pool, live), why);
};

const whyNotEqual = async (pool: Pool, built: Instance, live: Instance): Promise<string | null> => {
  if (built.version !== live.version) return `the live one is version ${live.version}`;
  const parked = await parkedStreams(pool, live.schemaName);
  return parked.length === 0 ? null : `${parked.length} streams of the live one are parked`;
};

/**
 * Compares every table at one and the same position, while events keep coming: the build halts, the live one is read in a snapshot that
 * knows its position, the build goes on to exactly there. The live instance is never held up.
 */
const verifyEqual = async (pool: Pool, { instance, lanes }: Build, live: Instance, signal: AbortSignal): Promise<Verification> => {
  try {
    const halted = new Map(await Promise.all(lanes.map(async (lane): Promise<[number, Position]> => [lane.shard, await lane.hold()])));
    const deadline = performance.now() + MEET_MS;
    for (;;) {
      const snapshot = await snapshotBeyond(pool, live, halted);
      if (snapshot !== null) {
        await Promise.all(lanes.map((lane) => lane.hold(snapshot.positions.get(lane.shard))));
        return compareEqual(await tableSums(pool, instance), snapshot.sums);
      }
      if (performance.now() > deadline)
        throw new Error(`${live.schemaName} did not come to where the build stands within ${MEET_MS / 1_000} s`);
      await delay(MEET_POLL_MS, undefined, { signal });
    }
  } finally {
    for (const lane of lanes) lane.resume();
  }
};

const snapshotBeyond = (pool: Pool, live: Instance, halted: ReadonlyMap<number, Position>) =>
  withClient(pool, async (client) => {
    await client.query('begin isolation level repeatable read, read only');
    const positions = await positionsOf(client, live);
    const met = [...halted].every(([shard, position]) => (positions.get(shard) ?? '') >= position);
    const sums = met ? await tableSums(client, live) : null;
    await client.query('commit');
    return sums === null ? null : { positions, sums };
  });
