import { derivedId, streamId, type CommandId, type UserId } from '@tidings/contracts/ids';
import { notificationIdOf, notificationKey } from '@tidings/domain/notification/index';
import { userKey } from '@tidings/domain/user/index';
import { describe, expect, it } from 'vitest';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import { take } from './inbox.ts';

const ada = derivedId<UserId>('ada');

const givenAda = async () => {
  const platform = memoryPlatform();
  const data = { userId: ada, displayName: 'Ada', email: null, role: 'USER' } as const;
  await platform.events.append(streamId('user', userKey(ada)), 'none', [{ type: 'UserRegistered', data }], {
    commandId: derivedId<CommandId>('test', 1),
  });
  const takes = (value: unknown, place = 'topic/0/1/0') =>
    take(platform, { value: typeof value === 'string' ? Buffer.from(value) : Buffer.from(JSON.stringify(value)), place });
  const kept = (id: string) => platform.events.readStream(streamId('notification', notificationKey(ada, notificationIdOf(ada, id))));
  return { takes, kept };
};
const said = { type: 'SystemMessage', toUser: ada, message: { n: 1 }, id: 'a', createdAt: '2026-01-01T00:00:00Z' };

describe('a notification from Kafka', () => {
  it('is recorded once per id, however often it comes', async () => {
    const { takes, kept } = await givenAda();
    expect([await takes(said), await takes(said), await takes(said, 'topic/0/2/0')]).toEqual([null, null, null]);
    expect((await kept('a')).map(({ data }) => data)).toMatchObject([{ toUser: ada, message: { n: 1 } }]);
  });

  it('without an id is known by its place on the topic', async () => {
    const { takes, kept } = await givenAda();
    const { id: _, ...unnamed } = said;
    await takes(unnamed);
    await takes(unnamed);
    expect(await kept('topic/0/1/0')).toHaveLength(1);
  });

  it('is passed over with a reason when it cannot be told', async () => {
    const { takes } = await givenAda();
    expect(await takes('nonsense')).toMatch(/is required|must be/);
    expect(await takes({ ...said, toUser: derivedId<UserId>('nobody') })).toBe('there is no such user');
    expect(await takes({ ...said, message: 'x'.repeat(17_000) })).toBe('message must be at most 16384 bytes of JSON');
    await takes(said);
    expect(await takes({ ...said, message: 'other' }, 'topic/0/2/0')).toBe('its id stands for another notification');
  });
});
