/** What members are told of their room beside its messages. */
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { afterPosition } from '@tidings/contracts/http/live';
import type { BlobId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, type RunningProjection } from '../../../tests/kit/projection.ts';
import { Foresight } from './foresight.ts';
import { rowsAfter } from './queries.ts';
import { heard, told } from './testing/feed-bench.ts';
import { message, room, Story, user } from './testing/story.ts';

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const roomId = room('team');
const renamed = (who: string, name: string | null | typeof SHREDDED): TidingsEvent => ({
  type: 'RoomRenamed',
  data: { roomId, name, by: user(who) },
});
const pictured = (who: string): TidingsEvent => ({
  type: 'RoomImageChanged',
  data: { roomId, by: user(who), image: { blobId: 'ab'.repeat(32) as BlobId, size: 1, mimeType: 'image/jpeg' } }, // by its looks
});
const ranked = (who: string, role: 'owner' | 'admin' | 'member'): TidingsEvent => ({
  type: 'MemberRoleChanged',
  data: { roomId, userId: user(who), role, by: user('ada') },
});
const reached = (who: string, upToSeq: number): TidingsEvent => ({
  type: 'RoomDelivered',
  data: { roomId, userId: user(who), upToSeq, upTo: message('hello') },
});

describe('a room', () => {
  const story = new Story().registers('ada').registers('bob').registers('cyd').creates('team', 'Group', 'ada', 'bob');
  const before = story.events.length;
  story
    .append(renamed('ada', 'Band'))
    .append(pictured('bob'))
    .append(renamed('bob', null))
    .append(ranked('bob', 'admin'))
    .append(reached('bob', 1));
  const image = `/api/rooms/${roomId}/image?v=abababababababab`;

  it('tells its members what it is called and looks like now, who has which rank, and what reached whom', async () => {
    const instance = await told(bench, story.events);
    expect((await heard(bench, instance, 'ada', story)).slice(1)).toEqual(
      [
        { type: 'RoomUpdated', roomId, roomName: 'Band', roomImageUrl: null, by: user('ada') },
        { type: 'RoomUpdated', roomId, roomName: 'Band', roomImageUrl: image, by: user('bob') },
        { type: 'RoomUpdated', roomId, roomName: null, roomImageUrl: image, by: user('bob') },
        { type: 'MemberRoleChanged', roomId, userId: user('bob'), role: 'admin', by: user('ada') },
        { type: 'UserDeliveredChat', userId: user('bob'), roomId, upToSeq: 1, upTo: message('hello') },
      ].map((event, at) => ({ ...event, createdAt: story.events[before + at]?.recordedAt })),
    );
    expect(await heard(bench, instance, 'cyd', story)).toEqual([]);
  });

  it('shows its name and picture to who comes later', async () => {
    const whole = new Story().registers('ada').registers('bob').registers('cyd').creates('team', 'Group', 'ada', 'bob');
    whole.append(renamed('ada', 'Band')).append(pictured('bob')).joins('team', 'cyd', 'ada');
    expect((await heard(bench, await told(bench, whole.events, 2), 'cyd', whole))[0]).toMatchObject({
      room: { roomName: 'Band', roomImageUrl: image },
    });
  });

  it('tells ahead of the tables what needs none of them, to the byte, and of the rest nothing', async () => {
    const instance = await told(bench, story.events);
    const inTable = await bench.read.any(rowsAfter(instance.schema, afterPosition(story.events[before + 2]?.position ?? START), 100));
    const foresight = new Foresight();
    expect(story.events.slice(before, before + 3).map((event) => foresight.rowsOf(event))).toEqual([null, null, null]);
    expect(story.events.slice(before + 3).flatMap((event) => foresight.rowsOf(event))).toEqual(inTable);
  });
});

describe('once somebody is erased', () => {
  const story = (gone: boolean): Story => {
    const secret = <A>(value: A) => (gone ? SHREDDED : value);
    const profile = {
      displayName: secret('Ada Secret'),
      description: secret('secret'),
      profilePicture: secret('/secret.png'),
      role: 'USER',
    } as const;
    const whole = new Story();
    whole.append({ type: 'UserRegistered', data: { userId: user('ada'), displayName: secret('Ada'), email: null, role: 'USER' } });
    whole.append({ type: 'UserProfileChanged', data: { userId: user('ada'), ...profile } });
    whole
      .registers('bob')
      .registers('cyd')
      .asks('ada', 'bob')
      .creates('pair', 'Single', 'bob', 'ada')
      .creates('team', 'Group', 'bob', 'ada');
    whole
      .append(renamed('ada', secret('Secret team')))
      .append(pictured('bob'))
      .joins('team', 'cyd', 'bob');
    whole.append(renamed('bob', 'Team')).append(pictured('ada'));
    return whole.append({ type: 'SubjectErased', data: { userId: user('ada'), by: user('ada') } }).append(pictured('bob'));
  };

  it('no room is called or looks as they were or made it, and the tables are those of a replay without their key', async () => {
    const dumps = await Promise.all(
      ([false, true] as const).flatMap((gone) => [1, 4, 500].map(async (size) => (await told(bench, story(gone).events, size)).dump())),
    );
    expect(dumps[0]?.join('\n')).not.toMatch(/secret/i);
    expect(dumps[0]?.filter((line) => line.includes('RoomUpdated'))).toHaveLength(5);
    for (const other of dumps.slice(1)) expect(other).toEqual(dumps[0]);
  });
});
