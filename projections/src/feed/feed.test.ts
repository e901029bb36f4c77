import { afterPosition, LiveEvent, type LiveCursor } from '@tidings/contracts/http/live';
import { projectionTx } from '@tidings/infra/projector/session';
import { openPool, openReadPool } from '@tidings/infra/postgres/pools';
import { derivedId, type NotificationId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import type { Pool, PoolClient } from 'pg';
import { pino } from 'pino';
import type { DatabasePool } from 'slonik';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { entriesFor, horizon, membersAt, membershipsAt, newest, rowsAfter, rowsAt } from './queries.ts';
import { applyFeed, createFeed, positionOf, room, Story, user } from './testing/story.ts';

let database: TestDatabase;
let pool: Pool;
let read: DatabasePool;
let client: PoolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  const common = { url: database.url, max: 2, logger: pino({ level: 'silent' }) };
  pool = openPool({ ...common, name: 'feed-test' });
  read = await openReadPool({ ...common, name: 'feed-test-read' });
  client = await pool.connect();
});
afterAll(async () => {
  client.release();
  await pool.end();
  await read.end();
  await database.drop();
});
afterEach(async () => {
  await client.query('drop schema if exists feed cascade; drop schema if exists again cascade');
});

const told = async (story: Story, pageSize?: number, schema = 'feed'): Promise<void> => {
  const session = projectionTx(client, schema);
  await createFeed((script) => client.query(script), schema);
  await applyFeed(session, schema, story.events, pageSize);
};

const START_CURSOR: LiveCursor = afterPosition(START);

/** What one user is told, decoded by the contract. */
const heard = async (name: string, story: Story, after = START_CURSOR, limit = 1000): Promise<readonly LiveEvent[]> => {
  const entries = await read.any(entriesFor('feed', user(name), after, story.head, limit));
  return entries.map((entry) => {
    const event: unknown = JSON.parse(entry.payload);
    if (!LiveEvent.is(event)) throw new Error(`not a LiveEvent: ${entry.payload}`);
    return event;
  });
};
const types = async (name: string, story: Story): Promise<readonly string[]> => (await heard(name, story)).map((event) => event.type);

describe('custom notifications', () => {
  it('are told to their user alone, as they were given', async () => {
    const message = { kind: 'invoice', due: [1, null] };
    const notificationId = derivedId<NotificationId>('test-notification', 1);
    const story = new Story().append({ type: 'NotificationSent', data: { notificationId, toUser: user('ada'), message } });
    story.append({ type: 'NotificationSent', data: { notificationId, toUser: user('ada'), message: SHREDDED } });
    await told(story);
    expect((await heard('ada', story)).map((event) => 'message' in event && event.message)).toEqual([message, null]);
    expect(await types('bob', story)).toEqual([]);
  });
});

describe('for those who follow all of it', () => {
  it('the rows at a place are had again, with who belonged to their audience then', async () => {
    const story = new Story().registers('ada').registers('bob').registers('cyd').creates('team', 'Group', 'ada', 'bob');
    const before = story.says('team', 'ada', 'one').head;
    const after = story.leaves('team', 'bob', 'Group').joins('team', 'cyd', 'ada').says('team', 'ada', 'two').head;
    await told(story);
    const audience = `room:${room('team')}`;
    const members = await read.any(
      membersAt(
        'feed',
        [before, after].map((position) => ({ audience, position })),
      ),
    );
    expect(members.filter(({ ask }) => ask === 0).map(({ userId }) => userId)).toEqual([user('ada'), user('bob')].toSorted());
    expect(members.filter(({ ask }) => ask === 1).map(({ userId }) => userId)).toEqual([user('ada'), user('cyd')].toSorted());
    const places = [before, after].map((position) => ({ position, index: 0 }));
    expect((await read.any(rowsAt('feed', places))).map((row) => [row.position, row.type, row.audience])).toEqual([
      [before, 'ChatMessage', audience],
      [after, 'ChatMessage', audience],
    ]);
  });
});

describe('chat', () => {
  it('tells a message to every member, the sender too, with its place in the room', async () => {
    const story = new Story().registers('ada').registers('bob').creates('team', 'Group', 'ada', 'bob').says('team', 'ada', 'hello');
    await told(story);
    const [created, said] = await heard('bob', story);
    expect(created).toMatchObject({
      type: 'NewRoom',
      room: { id: room('team'), roomName: 'team', unread: true, latestMessagePreviewText: { type: 'New' } },
    });
    expect(said).toMatchObject({
      type: 'ChatMessage',
      createdAt: story.events[3]?.recordedAt,
      message: {
        chatRoomId: room('team'),
        senderId: user('ada'),
        msgBody: { text: 'hello' },
        seq: 1,
        createdAt: story.events[3]?.recordedAt,
      },
      roomPreviewText: { type: 'Text', sender_username: 'ada', text: 'hello' },
    });
    expect(await types('ada', story)).toEqual(['NewRoom', 'ChatMessage']);
  });

  it('shows each side of a private room the name of the other', async () => {
    const story = new Story().registers('ada').registers('bob').creates('pair', 'Single', 'ada', 'bob');
    await told(story);
    const by = { createdBy: { id: user('ada'), displayName: 'ada' }, invitedBy: null };
    expect(await heard('ada', story)).toMatchObject([{ type: 'NewRoom', room: { roomName: 'bob' }, ...by }]);
    expect(await heard('bob', story)).toMatchObject([{ type: 'NewRoom', room: { roomName: 'ada' }, ...by }]);
  });

  it('tells an invite to those who were there, the room to the invited, and messages to both after', async () => {
    const story = new Story()
      .registers('ada')
      .registers('bob')
      .registers('cyd')
      .creates('team', 'Group', 'ada', 'bob')
      .says('team', 'ada', 'before')
      .joins('team', 'cyd', 'bob')
      .says('team', 'cyd', 'after');
    await told(story, 1);
    expect(await types('bob', story)).toEqual(['NewRoom', 'ChatMessage', 'RoomChangeEvent', 'ChatMessage']);
    const [invited, after, ...rest] = await heard('cyd', story);
    expect(invited).toMatchObject({
      type: 'NewRoom',
      room: { id: room('team'), latestMessagePreviewText: { type: 'RoomChange', sender_username: 'cyd', room_change_type: 'JOIN' } },
      createdBy: { id: user('ada'), displayName: 'ada' },
      invitedBy: user('bob'),
    });
    expect(after).toMatchObject({ type: 'ChatMessage', message: { msgBody: { text: 'after' }, seq: 3 } });
    expect(rest).toEqual([]);
  });

  it('tells a group who left, and the leaver no more', async () => {
    const story = new Story()
      .registers('ada')
      .registers('bob')
      .creates('team', 'Group', 'ada', 'bob')
      .leaves('team', 'bob', 'Group')
      .says('team', 'ada', 'alone')
      .leaves('team', 'ada', 'Group')
      .closes('team');
    await told(story);
    expect(await types('bob', story)).toEqual(['NewRoom', 'LeaveRoom']);
    expect(await types('ada', story)).toEqual(['NewRoom', 'RoomChangeEvent', 'ChatMessage', 'LeaveRoom']);
    expect((await heard('ada', story))[1]).toMatchObject({
      message: {
        senderId: user('bob'),
        msgBody: { type: 'UserLeft', related_user: { displayName: 'bob', joinedAt: story.events[2]?.recordedAt } },
      },
    });
  });

  it('leaves the other side of a private room in peace, and brings the leaver back to what comes after', async () => {
    const story = new Story()
      .registers('ada')
      .registers('bob')
      .creates('pair', 'Single', 'ada', 'bob')
      .says('pair', 'ada', 'one')
      .leaves('pair', 'bob', 'Single')
      .says('pair', 'ada', 'unheard')
      .joins('pair', 'bob', 'ada')
      .says('pair', 'ada', 'two');
    await told(story);
    expect(await types('ada', story)).toEqual(['NewRoom', 'ChatMessage', 'ChatMessage', 'ChatMessage']);
    expect(await types('bob', story)).toEqual(['NewRoom', 'ChatMessage', 'LeaveRoom', 'NewRoom', 'ChatMessage']);
    expect((await heard('bob', story)).slice(3)).toMatchObject([
      { room: { roomName: 'ada', latestMessagePreviewText: { type: 'New' }, unreadCount: 0 } },
      { message: { msgBody: { text: 'two' }, seq: 3 } },
    ]);
  });

  it('tells a read mark to all members', async () => {
    const story = new Story()
      .registers('ada')
      .registers('bob')
      .creates('pair', 'Single', 'ada', 'bob')
      .says('pair', 'ada', 'x')
      .reads('pair', 'bob', 1);
    await told(story);
    for (const name of ['ada', 'bob']) {
      expect((await heard(name, story)).at(-1)).toMatchObject({
        type: 'UserReadChat',
        userId: user('bob'),
        roomId: room('pair'),
        upToSeq: 1,
      });
    }
  });

  it('tells a friend request to its target and the answer to who asked, with friends counted', async () => {
    const story = new Story()
      .registers('ada')
      .registers('bob')
      .asks('ada', 'bob')
      .accepts('bob', 'ada')
      .blocks('ada', 'bob')
      .asks('ada', 'cyd');
    await told(story);
    expect(await heard('bob', story)).toMatchObject([{ type: 'FriendRequestReceived', fromUser: { id: user('ada'), friendsCount: 0 } }]);
    expect(await heard('ada', story)).toMatchObject([{ type: 'FriendRequestAccepted', fromUser: { id: user('bob'), friendsCount: 1 } }]);
    expect(await heard('cyd', story)).toMatchObject([{ type: 'FriendRequestReceived', fromUser: { id: user('ada'), friendsCount: 0 } }]);
  });
});

describe('mail', () => {
  it('tells every member of a mailbox, and nobody who is not one (yet, or any more)', async () => {
    const story = new Story()
      .admits('contact', 'ada', 'admin')
      .files('contact', 't1', 'first')
      .admits('contact', 'bob', 'viewer')
      .files('contact', 't1', 'second')
      .dismisses('contact', 'bob')
      .files('contact', 't2', 'third');
    await told(story);
    expect(await types('ada', story)).toEqual([
      'MailboxChanged',
      'EmailReceived',
      'ThreadChanged',
      'MailboxChanged',
      'EmailReceived',
      'ThreadChanged',
      'MailboxChanged',
      'EmailReceived',
      'ThreadChanged',
    ]);
    expect(await heard('bob', story)).toMatchObject([
      { type: 'MailboxChanged', userId: user('bob'), role: 'viewer' },
      { type: 'EmailReceived', subject: 'second', from: [{ name: 'Eve', email: 'eve@example.org' }], hasAttachments: false },
      { type: 'ThreadChanged', change: { type: 'filed', place: 'inbox' } },
      { type: 'MailboxChanged', userId: user('bob'), role: null },
    ]);
  });
});

it('a mailbox that has another name or address tells its members, as long as it has any', async () => {
  const story = new Story()
    .claims('desk', 'desk@tidings.test')
    .admits('desk', 'ada', 'admin')
    .renamesMailbox('desk', 'Front desk')
    .claims('desk', 'front@tidings.test');
  await told(story);
  expect(await heard('ada', story)).toMatchObject([
    { type: 'MailboxChanged', userId: user('ada'), role: 'admin' },
    { type: 'MailboxChanged', userId: null, role: null },
    { type: 'MailboxChanged', userId: null, role: null },
  ]);
});

describe('the tables', () => {
  const long = (daysBetween = 0): Story => {
    const story = new Story().registers('ada').registers('bob').registers('cyd').asks('ada', 'bob').accepts('bob', 'ada');
    story.creates('team', 'Group', 'ada', 'bob').creates('pair', 'Single', 'ada', 'bob').admits('contact', 'ada', 'admin');
    for (let n = 0; n < 60; n++) {
      story.says('team', n % 2 === 0 ? 'ada' : 'bob', `t${n}`).says('pair', 'bob', `p${n}`);
      if (n % 7 === 0) story.joins('team', 'cyd', 'ada');
      if (n % 7 === 4) story.leaves('team', 'cyd', 'Group').leaves('pair', 'bob', 'Single').joins('pair', 'bob', 'ada');
      if (n % 9 === 0) story.files('contact', 't', `mail ${n}`).reads('team', 'bob', n);
      if (n % 20 === 19) story.daysPass(daysBetween);
    }
    return story;
  };
  const dump = async (schema: string): Promise<unknown> => {
    const tables = ['entry', 'interval', 'person', 'friendship', 'room', 'horizon'];
    const dumps = await Promise.all(
      tables.map(async (name) => (await pool.query<object>(`select * from ${schema}.${name} as t order by t::text collate "C"`)).rows),
    );
    return Object.fromEntries(tables.map((name, at) => [name, dumps[at]]));
  };

  it('are the same however the log is cut into pages', async () => {
    const story = long(20);
    await told(story, 5000, 'feed');
    await told(story, 3, 'again');
    expect(await dump('again')).toEqual(await dump('feed'));
  });

  it('let go of what is older than is kept, and say up to where', async () => {
    const story = new Story().registers('ada').registers('bob').creates('pair', 'Single', 'ada', 'bob').says('pair', 'ada', 'old');
    story.daysPass(31).says('pair', 'ada', 'new');
    await told(story);
    expect(await heard('bob', story)).toMatchObject([{ type: 'ChatMessage', message: { msgBody: { text: 'new' }, seq: 2 } }]);
    expect(await read.one(horizon('feed'))).toEqual({ position: positionOf(4) });
  });

  it('give the same entries by audience as along the order, from any place on', async () => {
    const story = long();
    await told(story);
    const whole = await read.any(rowsAfter('feed', START_CURSOR, 10_000));
    expect(await read.one(newest('feed'))).toEqual({ position: whole.at(-1)?.position, index: whole.at(-1)?.index });
    for (const name of ['ada', 'bob', 'cyd']) {
      const all = await read.any(entriesFor('feed', user(name), START_CURSOR, story.head, 10_000));
      const places = all.map(({ position, index, payload }) => ({ position, index, payload }));
      expect(places).toEqual(expectedFor(name, whole));
      for (let at = 0; at < all.length; at += 13) {
        const cursor = all[at] ?? START_CURSOR;
        expect(await read.any(entriesFor('feed', user(name), cursor, story.head, 5))).toEqual(all.slice(at + 1, at + 6));
      }
    }
  });

  /** The rule of the hub, written plainly: audiences change by the membership rows as they come. */
  const expectedFor = (
    name: string,
    whole: readonly { audience: string; type: string; payload: string; position: Position; index: number }[],
  ) => {
    const mine = new Set([`user:${user(name)}`]);
    return whole.flatMap(({ audience, type, payload, position, index }) => {
      if (type === 'MemberAdded' || type === 'MemberRemoved') {
        if (payload === user(name)) {
          if (type === 'MemberAdded') mine.add(audience);
          else mine.delete(audience);
        }
        return [];
      }
      return mine.has(audience) ? [{ position, index, payload }] : [];
    });
  };

  it('know who belonged where at any place', async () => {
    const story = new Story()
      .registers('ada')
      .registers('bob')
      .creates('team', 'Group', 'ada', 'bob')
      .leaves('team', 'bob', 'Group')
      .joins('team', 'bob', 'ada');
    await told(story);
    const at = async (cursor: LiveCursor): Promise<number> =>
      (await read.any(membershipsAt('feed', [{ user: user('bob'), at: cursor }]))).length;
    expect(await at(afterPosition(positionOf(2)))).toBe(0);
    expect(await at({ position: positionOf(3), index: 0 })).toBe(0);
    expect(await at(afterPosition(positionOf(3)))).toBe(1);
    expect(await at({ position: positionOf(4), index: 0 })).toBe(0);
    expect(await at({ position: positionOf(5), index: 0 })).toBe(0);
    expect(await at(afterPosition(positionOf(5)))).toBe(1);
  });
});
