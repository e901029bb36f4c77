import { derivedId, type EventId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { msOf } from '@tidings/contracts/time';
import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { openPool } from '../postgres/pools.ts';
import { inTransaction } from '../projector/session.ts';
import {
  addDeliveries,
  deliveriesTo,
  forgetDead,
  lanesWaiting,
  nextOf,
  noteFailure,
  removeDeliveries,
  removeDeliveriesTo,
  retryNow,
  webhookLane,
  type NewDelivery,
} from './deliveries.ts';
import { migrateOutbound } from './migrations.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, name: 'deliveries', max: 4, logger: pino({ level: 'silent' }) });
  await Promise.all([migrateOutbound(pool), migrateOutbound(pool)]);
});
beforeEach(() => pool.query('truncate outbound.delivery'));
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const delivery = (target: string, n: number, toUsers: readonly UserId[] | null = null): NewDelivery => ({
  id: derivedId<EventId>('delivery', target, n),
  lane: webhookLane(target),
  target,
  toldId: derivedId<EventId>('told', n),
  type: 'ChatMessage',
  position: String(n).padStart(16, '0') as Position, // as the Postgres log writes them
  index: 0,
  toUsers,
});
const add = (...added: readonly NewDelivery[]): Promise<void> => inTransaction(pool, (client) => addDeliveries(client, added));
const [one, two, three] = [delivery('a', 1), delivery('a', 2), delivery('b', 3, [derivedId<UserId>('u', 1), derivedId<UserId>('u', 2)])];

describe('deliveries', () => {
  it('wait in their lane in the order of the feed, and are added once', async () => {
    await add(one, two, three);
    await add(two, one, three);
    expect(await lanesWaiting(pool)).toEqual([webhookLane('a'), webhookLane('b')]);
    expect(await nextOf(pool, webhookLane('a'), [], 10)).toMatchObject([{ ...one, attempts: 0 }, two]);
    expect(await nextOf(pool, webhookLane('a'), [one.id], 10)).toMatchObject([two]);
    expect(await nextOf(pool, webhookLane('b'), [], 10)).toMatchObject([three]);
    await removeDeliveries(pool, [one.id, two.id]);
    expect(await lanesWaiting(pool)).toEqual([webhookLane('b')]);
  });

  it('that failed wait for their time, behind those that are due', async () => {
    await add(one, two);
    const nextAt = Date.now() + 60_000;
    await noteFailure(pool, one.id, { error: 'answered 500', nextAt });
    const [due, later] = await nextOf(pool, webhookLane('a'), [], 10);
    expect([due?.id, later?.id, later?.attempts]).toEqual([two.id, one.id, 1]);
    expect(later === undefined ? null : msOf(later.nextAt)).toBe(nextAt);
  });

  it('that failed for good are dead until somebody retries them', async () => {
    await add(one, two);
    await noteFailure(pool, one.id, { error: 'answered 410', nextAt: null });
    expect((await nextOf(pool, webhookLane('a'), [], 10)).map(({ id }) => id)).toEqual([two.id]);
    const page = { state: 'dead', after: null, limit: 10 } as const;
    expect(await deliveriesTo(pool, 'a', page)).toMatchObject([
      { id: one.id, state: 'dead', attempts: 1, lastError: 'answered 410', nextAttemptAt: null },
    ]);
    expect(await retryNow(pool, 'b', one.id)).toBe(false);
    expect(await retryNow(pool, 'a', one.id)).toBe(true);
    expect(await deliveriesTo(pool, 'a', page)).toEqual([]);
    expect(await nextOf(pool, webhookLane('a'), [], 10)).toMatchObject([{ id: two.id }, { id: one.id, attempts: 0 }]);
  });

  it('are listed page by page, and go with their target', async () => {
    await add(one, two, three);
    const first = await deliveriesTo(pool, 'a', { state: null, after: null, limit: 1 });
    expect(first.map(({ id }) => id)).toEqual([one.id]);
    expect((await deliveriesTo(pool, 'a', { state: 'waiting', after: one.id, limit: 10 })).map(({ id }) => id)).toEqual([two.id]);
    await removeDeliveriesTo(pool, 'a');
    await forgetDead(pool);
    expect(await deliveriesTo(pool, 'a', { state: null, after: null, limit: 10 })).toEqual([]);
    expect(await lanesWaiting(pool)).toEqual([webhookLane('b')]);
  });
});
