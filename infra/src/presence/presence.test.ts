import { derivedId, type UserId } from '@tidings/contracts/ids';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { forgetPresence } from './forget.ts';
import { migratePresence } from './migrations.ts';
import { postgresOpenStreams } from './open-streams.ts';
import { openSessions, type Sessions } from './sessions.ts';

const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => derivedId<UserId>('user', name)) as [UserId, UserId, UserId]; // three names, three ids
const everyone = [ada, bob, cyd];

let database: TestDatabase;
let pool: pg.Pool;
const open: Sessions[] = [];
const quick = (node: string) => ({ pool, node, logger: pino({ level: 'silent' }) });
const at = (node: string, ttlMs = 45_000): Sessions => {
  const sessions = openSessions({ pool, node, ttlMs, logger: pino({ level: 'silent' }), heartbeatMs: 3_600_000 });
  open.push(sessions);
  return sessions;
};
const present = async (): Promise<readonly UserId[]> => [...(await postgresOpenStreams(pool).hasOpen(everyone))].toSorted();

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  pool.on('error', () => undefined); // the database is dropped under idle connections
  await Promise.all([migratePresence(pool), migratePresence(pool)]);
});
beforeEach(async () => {
  for (const sessions of open.splice(0)) await sessions.stop();
});
afterAll(async () => {
  for (const sessions of open) await sessions.stop();
  await pool.end();
  await database.drop();
});

describe('presence', () => {
  it('holds as long as one stream of a user is open at one node', async () => {
    const [here, there] = [at('here'), at('there')];
    here.opened(ada);
    here.opened(ada);
    there.opened(ada);
    there.opened(bob);
    await Promise.all([here.told(), there.told()]);
    expect(await present()).toEqual([ada, bob].toSorted());
    here.closed(ada);
    there.closed(bob);
    there.closed(ada);
    await Promise.all([here.told(), there.told()]);
    expect(await present()).toEqual([ada]);
    here.closed(ada);
    await here.told();
    expect(await present()).toEqual([]);
  });

  it('believes a node no longer than its time, and forgets everyone of one that stops', async () => {
    const [dead, stopping] = [at('dead', 0), at('stopping')];
    dead.opened(ada);
    stopping.opened(bob);
    await Promise.all([dead.told(), stopping.told()]);
    expect(await present()).toEqual([bob]);
    await stopping.stop();
    expect(await present()).toEqual([]);
    const { rows } = await pool.query('select from presence.session where user_id = $1', [bob]);
    expect(rows).toEqual([]);
  });

  it('finds who was at a node that fell silent, once, and says so; and says it again when the node is heard', async () => {
    const found: (readonly UserId[])[] = [];
    const silent = openSessions({ ...quick('silent'), ttlMs: 1, heartbeatMs: 3_600_000 });
    open.push(silent);
    silent.opened(ada);
    silent.opened(bob);
    await silent.told();
    const others = ['one', 'two'].map((node) => openSessions({ ...quick(node), heartbeatMs: 10, onFound: (users) => found.push(users) }));
    open.push(...others);
    others[0]?.opened(bob); // there, too
    await expect.poll(() => found.flat().toSorted()).toEqual([ada, bob].toSorted());
    await expect.poll(present).toEqual([bob]); // one tells of him in its own time
    const { rows } = await pool.query('select user_id, at < clock_timestamp() as past from presence.last_seen where user_id = $1', [ada]);
    expect(rows).toEqual([{ user_id: ada, past: true }]);
    const back: (readonly UserId[])[] = [];
    const late = openSessions({ ...quick('late'), ttlMs: 1, heartbeatMs: 50, onFound: (users) => back.push(users) });
    open.push(late);
    late.opened(cyd);
    await expect.poll(() => back.flat().filter((user) => user === cyd).length, { timeout: 5_000 }).toBeGreaterThan(1);
  });

  it('forgets someone for good, also when a stream of theirs ends only then', async () => {
    const lastSeen = async () => (await pool.query('select user_id from presence.last_seen where user_id = any($1)', [[ada, bob]])).rows;
    const node = at('forgetting');
    for (const user of [ada, bob]) node.opened(user);
    await node.told();
    for (const user of [ada, bob]) node.closed(user);
    await node.told();
    node.opened(ada);
    await node.told();
    await forgetPresence(pool, ada);
    node.closed(ada);
    await node.told();
    expect(await lastSeen()).toEqual([{ user_id: bob }]);
  });

  it('tells everyone anew after the tables were emptied by a crash of the database', async () => {
    const sessions = openSessions({ pool, node: 'again', logger: pino({ level: 'silent' }), heartbeatMs: 20 });
    open.push(sessions);
    sessions.opened(cyd);
    await sessions.told();
    await pool.query('truncate presence.node, presence.session');
    await expect.poll(present).toEqual([cyd]);
  });
});
