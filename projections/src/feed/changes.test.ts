/** What members are told of changes to messages, and what is left of the feed once somebody is erased. */
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type NotificationId } from '@tidings/contracts/ids';
import { afterPosition } from '@tidings/contracts/http/live';
import { START } from '@tidings/contracts/ports/event-log';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, type RunningProjection } from '../../../tests/kit/projection.ts';
import { Foresight } from './foresight.ts';
import { toldOf } from './hidden.ts';
import { entriesFor, rowsAfter } from './queries.ts';
import { heard, told } from './testing/feed-bench.ts';
import { message, room, Story, user } from './testing/story.ts';

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const ids = (text: string) => ({ roomId: room('team'), messageId: message(text) });
const edited = (who: string, text: string, better: string): TidingsEvent => ({
  type: 'MessageEdited',
  data: { ...ids(text), senderId: user(who), body: { type: 'Text', text: better }, mentions: [user('bob')] },
});
const deleted = (who: string, text: string): TidingsEvent => ({
  type: 'MessageDeleted',
  data: { ...ids(text), senderId: user(who), deletedBy: user(who) },
});
const reacted = (who: string, text: string, type: 'ReactionAdded' | 'ReactionRemoved'): TidingsEvent => ({
  type,
  data: { ...ids(text), userId: user(who), emoji: '👍' },
});
const pinned = (who: string, text: string, type: 'MessagePinned' | 'MessageUnpinned'): TidingsEvent => ({
  type,
  data: { ...ids(text), by: user(who) },
});
const quoted = (who: string, text: string, of: string, said: string): TidingsEvent => ({
  type: 'MessageSent',
  data: {
    ...{ roomId: room('team'), messageId: message(text), senderId: user(who), mentions: [user('ada')], threadId: message(said) },
    body: {
      type: 'Reply',
      text,
      quoted: {
        ...{ messageId: message(said), senderId: user(of), body: { type: 'Text', text: said } },
        createdAt: '2026-01-01T00:00:00.000Z' as Recorded['recordedAt'],
      },
    },
  },
});

describe('changes to a message', () => {
  const story = new Story().registers('ada').registers('bob').registers('cyd').creates('team', 'Group', 'ada', 'bob');
  story.says('team', 'ada', 'hello').append(edited('ada', 'hello', 'hello all'));
  story.append(reacted('bob', 'hello', 'ReactionAdded')).append(reacted('bob', 'hello', 'ReactionRemoved'));
  story
    .append(pinned('bob', 'hello', 'MessagePinned'))
    .append(pinned('bob', 'hello', 'MessageUnpinned'))
    .append(deleted('ada', 'hello'));

  it('are told to its room as they are', async () => {
    const instance = await told(bench, story.events);
    const roomId = room('team');
    const of = { roomId, messageId: message('hello') };
    expect((await heard(bench, instance, 'bob', story)).slice(2)).toEqual(
      [
        {
          type: 'MessageEdited',
          ...{
            ...of,
            senderId: user('ada'),
            msgBody: { text: '' }, // it is deleted in the end
            mentions: [],
            editedAt: story.events[5]?.recordedAt,
          },
        },
        { type: 'ReactionChanged', ...of, userId: user('bob'), emoji: '👍', added: true },
        { type: 'ReactionChanged', ...of, userId: user('bob'), emoji: '👍', added: false },
        { type: 'MessagePinned', ...of, by: user('bob') },
        { type: 'MessageUnpinned', ...of, by: user('bob') },
        { type: 'MessageDeleted', ...of, deletedBy: user('ada') },
      ].map((event, at) => ({ ...event, createdAt: story.events[5 + at]?.recordedAt })),
    );
    expect(await heard(bench, instance, 'cyd', story)).toEqual([]);
  });

  it('can be told ahead of the tables, to the byte', async () => {
    const [undeleted, deletion] = [story.events.slice(0, -1), story.events.slice(-1)];
    const instance = await told(bench, undeleted);
    const inTable = await bench.read.any(rowsAfter(instance.schema, afterPosition(story.events[4]?.position ?? START), 100));
    const foresight = new Foresight();
    expect(undeleted.slice(5).flatMap((event) => foresight.rowsOf(event))).toEqual(inTable);
    await instance.apply(deletion);
    const last = await bench.read.any(rowsAfter(instance.schema, afterPosition(undeleted.at(-1)?.position ?? START), 100));
    expect(deletion.flatMap((event) => foresight.rowsOf(event))).toEqual(last);
  });
});

describe('what a message said before', () => {
  /** Bob says three things: one he rewrites twice, one he rewrites and deletes, one he leaves. Ada has left by the last change. */
  const story = new Story().registers('ada').registers('bob').creates('team', 'Group', 'bob', 'ada');
  for (const text of ['first secret', 'second secret', 'third']) story.says('team', 'bob', text);
  story.edits('team', 'bob', 'first secret', 'first, but secret').edits('team', 'bob', 'second secret', 'second, but secret');
  story.append(deleted('bob', 'second secret')).leaves('team', 'ada', 'Group').joins('team', 'cyd', 'bob');
  story.edits('team', 'bob', 'first secret', 'for those who stayed');

  it('is in no table, and told by no resume: it reads as it was rewritten, and what was deleted is an empty place', async () => {
    const instance = await told(bench, story.events, 2);
    expect((await instance.dump()).join('\n')).not.toContain('secret');
    const messages = (await heard(bench, instance, 'bob', story)).filter(({ type }) => type === 'ChatMessage' || type === 'MessageEdited');
    const sent = story.events[3]?.recordedAt;
    expect(messages).toMatchObject([
      { message: { msgBody: { text: 'for those who stayed' } }, roomPreviewText: { sender_username: 'bob' } },
      { createdAt: story.events[4]?.recordedAt, message: { msgBody: { text: '' }, deleted: true, seq: 2 }, roomPreviewText: { text: '' } },
      { message: { msgBody: { text: 'third' } } },
      { messageId: message('first secret'), msgBody: { text: 'for those who stayed' } },
      { messageId: message('second secret'), msgBody: { text: '' } },
      { messageId: message('first secret'), msgBody: { text: 'for those who stayed' }, editedAt: story.events.at(-1)?.recordedAt },
    ]);
    expect(messages[0]).toMatchObject({ createdAt: sent, message: { createdAt: sent, editedAt: story.events.at(-1)?.recordedAt } });
  });

  it('is not replaced by what those who left before may not read', async () => {
    const instance = await told(bench, story.events, 2);
    const found = await bench.read.any(entriesFor(instance.schema, user('ada'), afterPosition(START), story.head, 1000));
    expect(found.map(toldOf).join('\n')).not.toContain('for those who stayed');
    expect(
      found.map((entry): unknown => JSON.parse(toldOf(entry) ?? '')).filter((event) => JSON.stringify(event).includes('hidden')),
    ).toMatchObject([{ type: 'ChatMessage', message: { messageId: message('first secret'), msgBody: { text: '' }, hidden: true } }]);
  });

  it('is forgotten alike however a replay is cut into pages', async () => {
    const dumps = await Promise.all([1, 2, 5, 500].map(async (size) => (await told(bench, story.events, size)).dump()));
    for (const other of dumps.slice(1)) expect(other).toEqual(dumps[0]);
  });
});

describe('once somebody is erased', () => {
  /** As the log gives it before (`gone` false) and after Ada's key is destroyed. */
  const story = (gone: boolean): Story => {
    const secret = <A>(value: A) => (gone ? SHREDDED : value);
    const whole = new Story();
    const story = { append: (event: TidingsEvent) => whole.append(shredded(event, gone)) };
    story.append({ type: 'UserRegistered', data: { userId: user('ada'), displayName: secret('Ada Secret'), email: null, role: 'USER' } });
    whole.registers('bob').registers('cyd').asks('ada', 'bob').accepts('bob', 'ada');
    const members = [user('ada'), user('bob')];
    const roomId = room('team');
    story.append({
      type: 'RoomCreated',
      data: { roomId, roomType: 'Group', name: secret('Secret team'), createdBy: user('ada'), members },
    });
    whole.creates('choir', 'Group', 'bob', 'ada').creates('pair', 'Single', 'bob', 'ada').joins('choir', 'cyd', 'bob');
    for (const text of ['secret one', 'secret two']) {
      const body = secret({ type: 'Text', text } as const);
      const data = { roomId, messageId: message(text), senderId: user('ada'), body, mentions: [user('bob')], threadId: null };
      story.append({ type: 'MessageSent', data });
    }
    story.append(quoted('bob', 'really?', 'ada', 'secret one')).append(quoted('ada', 'secret yes', 'bob', 'really?'));
    story.append(quoted('cyd', 'hm', 'bob', 'really?')).append(edited('ada', 'secret one', 'secret better'));
    story.append(edited('ada', 'secret two', 'secret worse')).append(deleted('ada', 'secret two'));
    whole.leaves('choir', 'ada', 'Group').joins('choir', 'ada', 'bob').says('choir', 'bob', 'about nothing').joins('team', 'cyd', 'bob');
    const notificationId = derivedId<NotificationId>('test-notification', 1);
    story.append({ type: 'NotificationSent', data: { notificationId, toUser: user('ada'), message: secret({ pin: 'secret' }) } });
    whole.append({ type: 'SubjectErased', data: { userId: user('ada'), by: user('ada') } });
    return whole.joins('team', 'dan', 'bob').says('team', 'bob', 'after');
  };

  it('nothing that they wrote or were called is told any more, and all that others wrote is', async () => {
    const whole = story(false);
    const instance = await told(bench, whole.events, 4);
    expect((await instance.dump()).join('\n')).not.toMatch(/secret/i);
    const all = await heard(bench, instance, 'bob', whole);
    expect(all.filter(({ type }) => type === 'ChatMessage')).toMatchObject([
      { message: { erased: true, msgBody: { text: '' } }, roomPreviewText: { sender_username: 'Deleted user', text: '' } },
      { message: { erased: true } },
      { message: { msgBody: { replyText: 'really?', replyMsgDetails: { text: '' } } }, roomPreviewText: { reply_text: 'really?' } },
      { message: { erased: true } },
      { message: { msgBody: { replyText: 'hm', replyMsgDetails: { text: 'really?' } } } },
      { message: { msgBody: { text: 'about nothing' } } },
      { message: { msgBody: { text: 'after' } } },
    ]);
    expect(all.filter(({ type }) => type === 'NewRoom')).toMatchObject([
      { room: { roomName: null } },
      { room: { roomName: 'choir' } },
      { room: { roomName: 'Deleted user' } },
    ]);
    expect(all.find(({ type }) => type === 'FriendRequestReceived')).toMatchObject({ fromUser: { displayName: 'Deleted user' } });
  });

  it('the tables are those of a replay without their key, however it is cut into pages', async () => {
    const dumps = await Promise.all(
      ([false, true] as const).flatMap((gone) => [1, 7, 500].map(async (size) => (await told(bench, story(gone).events, size)).dump())),
    );
    expect(dumps[0]?.length).toBeGreaterThan(30);
    for (const other of dumps.slice(1)) expect(other).toEqual(dumps[0]);
  });
});

const shredded = (event: TidingsEvent, gone: boolean): TidingsEvent =>
  gone && (event.type === 'MessageSent' || event.type === 'MessageEdited') && event.data.senderId === user('ada')
    ? ({ ...event, data: { ...event.data, body: SHREDDED } } as TidingsEvent) // the same event without its body
    : event;
