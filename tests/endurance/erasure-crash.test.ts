/** An erasure that a power cut ends anywhere is finished by sending it again; until then nothing of its user comes back. */
import type { AdminRoom } from '@tidings/contracts/http/admin';
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startProgram, type Program } from '../kit/program.ts';
import { onlookerPool } from '../kit/databases.ts';
import { ask, askJson, foundTown, type Person, type Town } from '../acceptance/town.ts';

let dataDir: string;
let town: Town;
let program: Program;
let people: readonly [Person, Person, Person];
const rooms: string[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-erasure-'));
  await chmod(dataDir, 0o711);
  town = await foundTown('Settler', 3);
  people = town.people as [Person, Person, Person];
  await start();
  const [admin, zoe, ben] = people;
  for (const person of people) await askJson(program, person, '/api/me');
  for (let n = 0; n < 5; n += 1) {
    const body = { roomType: 'Group', roomName: `Room ${n}`, invitedUsers: [zoe.id, ben.id, admin.id] };
    const { id } = await askJson<ChatRoom>(program, zoe, '/api/rooms/create-room', { body });
    await askJson(program, zoe, '/api/send-msg', { body: { chatRoomId: id, msgBody: { text: 'Here I am' } } });
    rooms.push(id);
  }
  await askJson(program, zoe, `/api/users/friends/add/${ben.id}`, { method: 'POST' });
  await askJson(program, ben, `/api/users/friends/accept-request/${zoe.id}`, { method: 'POST' });
});
afterAll(async () => {
  await program.stop();
  await town.issuer.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const start = async (): Promise<void> => {
  program = await startProgram({ dataDir, env: { PROCESSES: 'one', OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'error' } });
};
const count = async (database: pg.Pool, condition: string, ...values: readonly string[]): Promise<number> => {
  const { rows } = await database.query<{ n: string }>(`select count(*) as n from ${condition}`, [...values]);
  return Number(rows[0]?.n);
};

it('is finished by the next try', async () => {
  const [admin, zoe, ben] = people;
  const erase = (): Promise<Response> => ask(program, admin, `/api/admin/users/${zoe.id}`, { method: 'DELETE' });
  const keyGone = ['keys.subject_key where key is null and subject = $1', zoe.id] as const;
  const oneRoomLeft = [`log.event where type = 'RoomLeft'`] as const;
  for (const [moment, ...values] of [keyGone, oneRoomLeft]) {
    const database = onlookerPool(program.databaseUrl);
    database.on('error', () => undefined); // the cut comes to us too
    const cut = erase().catch(() => null);
    await vi.waitFor(async () => expect(await count(database, moment, ...values)).toBeGreaterThan(0), { timeout: 30_000, interval: 1 });
    await program.kill9();
    await cut;
    await database.end();
    await start();
    expect((await ask(program, zoe, '/api/me')).status, 'a token of the half erased').toBe(403);
  }
  expect((await erase()).status).toBe(200);
  expect((await ask(program, zoe, '/api/me')).status).toBe(403);
  for (const id of rooms) {
    const { users } = await askJson<AdminRoom>(program, admin, `/api/admin/rooms/${id}`);
    expect(users.find((member) => member.id === zoe.id)).toMatchObject({ displayName: 'Deleted user', membershipStatus: 'Left' });
  }
  expect(await askJson(program, ben, '/api/users/friends')).toEqual([]);
  const database = onlookerPool(program.databaseUrl);
  expect(await count(database, `log.event where type = 'SubjectErased'`)).toBe(1);
  expect(await count(database, `log.event where type = 'RoomLeft'`), 'each room once').toBe(rooms.length);
  await database.end();
});
