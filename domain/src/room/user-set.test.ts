import type { UserId } from '@tidings/contracts/ids';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstUser, hasUser, noUsers, userSet, usersOf, withUser, withoutUser } from './user-set.ts';

/** Few last digits, so that leaves split, collapse and meet at the deepest level. */
const anyUser = fc
  .tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom('000000000000', '00000000000f', 'a00000000000'))
  .map(([n, end]) => `00000000-0000-4000-8000-${end}`.replace(/^0{8}/, n.toString(16).padStart(8, '0')) as UserId);
const spread = (n: number): UserId => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as UserId;

it('is the set it says it is, and leaves the sets it was made from alone', () => {
  const anyUsers = fc.array(fc.oneof(anyUser, fc.integer({ min: 0, max: 300 }).map(spread)), { maxLength: 200 });
  fc.assert(
    fc.property(anyUsers, anyUsers, (added, removed) => {
      const before = userSet(added);
      const after = removed.reduce((set, user) => withoutUser(set, user), before);
      const rest = new Set(added);
      for (const user of removed) rest.delete(user);
      expect(usersOf(before).toSorted()).toEqual([...new Set(added)].toSorted());
      expect(before.size).toBe(new Set(added).size);
      expect(usersOf(after).toSorted()).toEqual([...rest].toSorted());
      expect(after.size).toBe(rest.size);
      expect(firstUser(after)).toBe([...rest][0] ?? null);
      for (const user of [...added, ...removed])
        expect([hasUser(after, user), hasUser(before, user)]).toEqual([rest.has(user), added.includes(user)]);
    }),
  );
});

it('is the same one when nothing changed', () => {
  const many = userSet(Array.from({ length: 1000 }, (_, n) => spread(n)));
  expect(withUser(many, spread(7), 9)).toBe(many);
  expect(withoutUser(many, spread(1000))).toBe(many);
  expect(withoutUser(noUsers, spread(1))).toBe(noUsers);
});

it('shares nearly all of itself with its successor', () => {
  const many = userSet(Array.from({ length: 5000 }, (_, n) => spread(n)));
  const more = withUser(many, spread(5000), 5000);
  if (!('children' in many) || !('children' in more)) throw new Error('5,000 users are no leaf');
  expect(more.children.filter((child, at) => child !== many.children[at])).toHaveLength(1);
});
