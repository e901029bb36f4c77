import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED, type Sealed } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { type ListedUser, facesById, type NamePage, othersByName, someByName, users, usersById } from './index.ts';

const user = (name: string): UserId => derivedId<UserId>(name);
const [ada, bob, cyd] = [user('ada'), user('bob'), user('cyd')];

const registered = (userId: UserId, displayName: Sealed<string>): TidingsEvent => ({
  type: 'UserRegistered',
  data: { userId, displayName, email: null, role: 'USER' },
});
const between = (type: 'FriendshipAccepted' | 'FriendshipEnded' | 'UserBlocked', by: UserId, to: UserId): TidingsEvent => ({
  type,
  data: { by, to },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (...events: readonly TidingsEvent[]): Promise<Instance> => {
  const instance = await bench.fresh(users);
  await instance.apply(recorded(events), 2);
  return instance;
};
const found = async (instance: Instance, contains: string, self: UserId = user('nobody')) =>
  (await bench.read.any(othersByName(instance.schema, self, { contains, after: null, limit: 20 }))).map((person) => person.displayName);

describe('users', () => {
  it('are known by the name they have now, with their role and description', async () => {
    const instance = await given(registered(ada, 'Ada'), {
      type: 'UserProfileChanged',
      data: { userId: ada, displayName: 'Ada L.', description: 'counts\u0000', profilePicture: '/api/media/1', role: 'ADMIN' },
    });
    expect(await bench.read.any(usersById(instance.schema, [ada]))).toEqual([
      {
        id: ada,
        displayName: 'Ada L.',
        description: 'counts',
        profilePicture: '/api/media/1',
        role: 'ADMIN',
        friendsCount: 0,
        nameKey: 'ada l.',
      },
    ]);
    expect(await bench.read.any(facesById(instance.schema, [ada, bob]))).toEqual([
      { id: ada, displayName: 'Ada L.', profilePicture: '/api/media/1' },
    ]);
  });

  it('leave nothing but their id, role and friends once they are erased', async () => {
    const story = (readable: boolean): readonly TidingsEvent[] => {
      const secret = <A>(value: A) => (readable ? value : SHREDDED);
      const profile = { displayName: secret('Ada L.'), description: secret('counts'), profilePicture: secret('/api/media/1') };
      return [
        registered(ada, secret('Ada')),
        registered(bob, 'Bob'),
        between('FriendshipAccepted', ada, bob),
        { type: 'UserProfileChanged', data: { userId: ada, ...profile, role: 'ADMIN' } },
        { type: 'SubjectErased', data: { userId: ada, by: bob } },
      ];
    };
    const instance = await given(...story(true));
    expect(await found(instance, '')).toEqual(['Bob']);
    expect(await bench.read.any(usersById(instance.schema, [ada]))).toEqual([
      { id: ada, displayName: 'Deleted user', description: null, profilePicture: null, role: 'ADMIN', friendsCount: 1, nameKey: null },
    ]);
    for (const readable of [true, false]) {
      const whole = await bench.fresh(users);
      await whole.apply(recorded(story(readable)), 100);
      expect(await whole.dump()).toEqual(await instance.dump());
    }
  });

  it('count their friends; a block ends a friendship', async () => {
    const people = [registered(ada, 'Ada'), registered(bob, 'Bob'), registered(cyd, 'Cyd')];
    const friends = [between('FriendshipAccepted', ada, bob), between('FriendshipAccepted', cyd, ada)];
    const counts = async (...events: readonly TidingsEvent[]) => {
      const instance = await given(...people, ...friends, ...events);
      const all = await bench.read.any(usersById(instance.schema, [ada, bob, cyd]));
      return [ada, bob, cyd].map((id) => all.find((person) => person.id === id)?.friendsCount);
    };
    expect(await counts()).toEqual([2, 1, 1]);
    expect(await counts(between('FriendshipEnded', bob, ada))).toEqual([1, 0, 1]);
    expect(await counts(between('UserBlocked', ada, bob), between('UserBlocked', ada, cyd))).toEqual([0, 0, 0]);
    expect(await counts(between('UserBlocked', bob, cyd))).toEqual([2, 1, 1]);
  });

  it('are found by a part of the name in any case, taken literally, but not by themselves', async () => {
    const instance = await given(registered(ada, 'Ada'), registered(bob, 'Bo%b'), registered(cyd, 'CYD Adams'));
    expect(await found(instance, 'ADA')).toEqual(['Ada', 'CYD Adams']);
    expect(await found(instance, '%')).toEqual(['Bo%b']);
    expect(await found(instance, '')).toEqual(['Ada', 'Bo%b', 'CYD Adams']);
    expect(await found(instance, '', ada)).toEqual(['Bo%b', 'CYD Adams']);
    const some = someByName(instance.schema, [bob, cyd], { contains: 'a', after: null, limit: 20 });
    expect((await bench.read.any(some)).map((person) => person.id)).toEqual([cyd]);
  });

  it('page without skipping or repeating, also among namesakes', async () => {
    const people = Array.from({ length: 11 }, (_, n) => user(`twin ${n}`));
    const instance = await given(...people.map((id, n) => registered(id, n % 2 === 0 ? 'Twin' : 'twin')));
    const seen: UserId[] = [];
    let after: NamePage['after'] = null;
    for (;;) {
      const rows: readonly ListedUser[] = await bench.read.any(othersByName(instance.schema, ada, { contains: 'win', after, limit: 4 }));
      const last = rows.at(-1);
      if (last === undefined) break;
      seen.push(...rows.map((person) => person.id));
      after = { nameKey: last.nameKey ?? '', id: last.id };
    }
    expect(seen).toEqual([...people].sort());
  });

  it('cannot be searched once erased', async () => {
    const instance = await given(registered(ada, SHREDDED));
    expect(await found(instance, '')).toEqual([]);
    expect(await bench.read.any(usersById(instance.schema, [ada]))).toMatchObject([{ displayName: 'Deleted user' }]);
  });

  it('are the same whatever the pages were', async () => {
    const events = recorded([
      registered(ada, 'Ada'),
      registered(bob, 'Bob'),
      between('FriendshipAccepted', ada, bob),
      between('UserBlocked', bob, ada),
      between('FriendshipAccepted', ada, bob),
    ]);
    const [one, other] = await Promise.all([bench.fresh(users), bench.fresh(users)]);
    await one.apply(events, 1);
    await other.apply(events, 500);
    expect(await other.dump()).toEqual(await one.dump());
  });
});
