/**
 * What an operator may do to the instances of a projection. These write the registry only; the process that runs the projector does the
 * work. So they are safe from any process, whether a projector runs or not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Projection } from '@tidings/contracts/projection';
import { msOf, timestamp, type Timestamp } from '@tidings/contracts/time';
import { addInstance, schemaOf, setState, withRegistry, type Instance } from './registry.ts';

/** The operator asked for something that the states do not allow; the message says what and what to do. */
export class TransitionRefused extends Error {
  override readonly name = 'TransitionRefused';
}

/**
 * Builds the projection anew from the first event, beside the live instance. A rebuild that failed is given up for the new one; one that
 * still runs only with `restart`.
 * @throws TransitionRefused
 */
export const replay = (
  pool: Pool,
  projection: Pick<Projection, 'name' | 'version'>,
  options: { readonly restart?: boolean } = {},
): Promise<Instance> =>
  withRegistry(pool, projection.name, async (existing, client) => {
    if (existing.length === 0)
      throw new TransitionRefused(`there is no projection ${projection.name} yet; it is made when the projector starts`);
    for (const pending of existing.filter(isPending)) {
      if (pending.error === null && options.restart !== true) {
        throw new TransitionRefused(`${pending.schemaName} is ${pending.state} already; add --restart to give it up and begin again`);
      }
      await retireInstance(client, pending);
    }
    return addInstance(client, projection, 'building');
  });

/** Between being asked for and being live. */
export const isPending = (instance: Instance): boolean =>
  instance.state === 'building' || instance.state === 'verifying' || instance.state === 'ready';

/**
 * Readers go to the ready instance, the live one drains. With `force` also to one that was built but not found equal.
 * @throws TransitionRefused
 */
export const cutover = (pool: Pool, name: string, options: { readonly force?: boolean } = {}): Promise<Instance> =>
  withRegistry(pool, name, async (existing, client) => {
    const pending = existing.filter(isPending).at(-1);
    if (pending === undefined) throw new TransitionRefused(`nothing of ${name} is ready; run a replay first`);
    if (pending.state !== 'ready' && !(options.force === true && pending.state === 'verifying')) {
      throw new TransitionRefused(`${pending.schemaName} is ${pending.state}${pending.error === null ? '' : `: ${pending.error}`}`);
    }
    return makeLive(client, existing, pending);
  });

/**
 * Readers go back to the instance that was live before. It kept projecting, so nothing is missing there.
 * @throws TransitionRefused
 */
export const rollback = (pool: Pool, name: string): Promise<Instance> =>
  withRegistry(pool, name, async (existing, client) => {
    const former = existing
      .filter((one) => one.state === 'draining')
      .toSorted((a, b) => (a.liveAt ?? '').localeCompare(b.liveAt ?? ''))
      .at(-1);
    if (former === undefined) throw new TransitionRefused(`nothing of ${name} is draining; there is no way back`);
    return makeLive(client, existing, former);
  });

const makeLive = async (client: PoolClient, existing: readonly Instance[], chosen: Instance): Promise<Instance> => {
  // The old one first: a unique index allows one live instance per name.
  for (const live of existing.filter((one) => one.state === 'live')) await setState(client, live, ['live'], 'draining');
  await setState(client, chosen, [chosen.state], 'live');
  return { ...chosen, state: 'live', error: null };
};

/** Readers learn of a cut-over within about a second; a schema they may still read is not dropped. */
const READER_GRACE_MS = 5_000;

/**
 * Drops the instances that were live once and are not any more, with their tables. Gives their schema names.
 */
export const retire = async (pool: Pool, name: string, graceMs: number = READER_GRACE_MS): Promise<readonly string[]> =>
  withRegistry(pool, name, async (existing, client) => {
    const draining = existing.filter((one) => one.state === 'draining');
    const clock = await client.query<{ now: Timestamp }>('select clock_timestamp() as now');
    const now = msOf(clock.rows[0]?.now ?? timestamp(0));
    await delay(Math.max(0, ...draining.map((one) => msOf(one.stateAt) + graceMs - now)));
    for (const instance of draining) await retireInstance(client, instance);
    return draining.map((one) => one.schemaName);
  });

/** Tables first, then checkpoint: the order in which the projector takes its locks, so that the two cannot deadlock. */
const retireInstance = async (client: PoolClient, instance: Instance): Promise<void> => {
  await client.query(`drop schema if exists ${schemaOf(instance)} cascade`);
  await forget(client, instance.schemaName);
  await setState(client, instance, [instance.state], 'retired');
};

/** Removes what the runtime keeps about a retired instance; a lane that had not heard of it yet may have left rows again. */
export const forget = async (db: PoolClient | Pool, schemaName: string): Promise<void> => {
  for (const table of ['checkpoint', 'lease', 'parked', 'status']) {
    await db.query(`delete from projection.${table} where name = $1`, [schemaName]);
  }
};
