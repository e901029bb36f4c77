import { randomUUID } from 'node:crypto';
import type { EventType } from '@tidings/contracts/events/index';
import { type EmailId, type EventId, type GatewayMailId, type MessageId, type RoomId, streamId, type UserId } from '@tidings/contracts/ids';
import { type JsonObject, type LoggedEvent, START } from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import { openPool } from '@tidings/infra/postgres/pools';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../../../../tests/kit/postgres.ts';
import { rememberArrival } from './arrived.ts';
import { concernedIn } from './concerned.ts';
import { rememberMailed } from './mailed.ts';
import { migrateGatewayOut } from './migrations.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, max: 2, name: 'test', logger: pino({ level: 'silent' }) });
  await migrateGatewayOut(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const event = (type: EventType, data: JsonObject): LoggedEvent => ({
  ...{ id: randomUUID() as EventId, type, version: 1, data, meta: {} },
  ...{ shard: 0, position: START, stream: streamId('test', randomUUID()), revision: 0, recordedAt: timestamp(0) },
});
const emailId = (): EmailId => randomUUID() as EmailId;
const mailId = (): GatewayMailId => randomUUID() as GatewayMailId;

it('of a crowd of mails, only what we sent and what came for the gateway is looked at', async () => {
  const [sent, arrived, arrivedMail, stranger, strangerMail] = [emailId(), emailId(), mailId(), emailId(), mailId()];
  const ids = { messageId: randomUUID() as MessageId, roomId: randomUUID() as RoomId, userId: randomUUID() as UserId };
  await rememberMailed(pool, [{ ...ids, emailId: emailId(), receivedAs: sent }]);
  await rememberArrival(pool, arrivedMail, arrived);
  const page = [
    ...[sent, arrived, stranger].map((id) => event('EmailFiled', { emailId: id })),
    ...[arrivedMail, strangerMail].map((id) => event('MailMapped', { mailId: id })),
  ];
  expect(await concernedIn(pool, page)).toEqual(new Set([sent, arrived, arrivedMail]));
});

it('what a page tells of itself counts, and an answer that came for no mailbox does not', async () => {
  const [id, mail, plain] = [emailId(), mailId(), mailId()];
  const page = [
    event('GatewayMailReceived', { mailId: mail, emailId: id }),
    event('GatewayMailReceived', { mailId: plain }),
    event('EmailFiled', { emailId: id }),
    ...[mail, plain].map((one) => event('MailMapped', { mailId: one })),
  ];
  expect(await concernedIn(pool, page)).toEqual(new Set([id, mail]));
});
