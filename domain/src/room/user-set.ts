/**
 * A set of users that shares structure with the set it was made from: adding one to 5,000 copies a few dozen references, not 5,000. A
 * plain `Set` per event made loading a room quadratic in its members. A trie over the last hex digits of the ids (random in every UUID
 * version in use as a user id), whose leaves are short lists, so that the many rooms of two cost no more than a list each. It knows who came
 * in which order: each user stands in it with a number, given as they were added.
 */
import type { UserId } from '@tidings/contracts/ids';

export type UserSet = Leaf | Branch;

interface Leaf {
  readonly size: number;
  readonly users: readonly UserId[];
  /** The number of each of `users`. */
  readonly since: readonly number[];
}
interface Branch {
  readonly size: number;
  /** One per hex digit. */
  readonly children: readonly UserSet[];
}

/** A leaf splits when it outgrows this, and a branch that shrank to it is a leaf again. */
const LEAF_SIZE = 16;
/** The digits behind the last dash of a UUID; leaves below them grow instead. */
const DEEPEST = 12;

export const noUsers: UserSet = { size: 0, users: [], since: [] };
const noChildren: readonly UserSet[] = Array.from({ length: 16 }, () => noUsers);

/** Numbered from 0, in the order given. */
export const userSet = (users: readonly UserId[]): UserSet =>
  users.reduce<UserSet>((set, user, since) => withUser(set, user, since), noUsers);

export const hasUser = (set: UserSet, user: UserId): boolean => {
  let at = set;
  for (let depth = 0; 'children' in at; depth += 1) at = at.children[digit(user, depth)] ?? noUsers;
  return at.users.includes(user);
};

/** The set with `user`; the very same set, with the number they had, when they were in it. */
export const withUser = (set: UserSet, user: UserId, since: number, depth = 0): UserSet => {
  if ('children' in set) return changed(set, digit(user, depth), (child) => withUser(child, user, since, depth + 1));
  if (set.users.includes(user)) return set;
  const leaf: Leaf = { size: set.size + 1, users: [...set.users, user], since: [...set.since, since] };
  if (leaf.size <= LEAF_SIZE || depth === DEEPEST) return leaf;
  return entriesOf(leaf).reduce<UserSet>((branch, [each, number]) => withUser(branch, each, number, depth), {
    size: 0,
    children: noChildren,
  });
};

/** The set without `user`; the very same set when they were not in it. */
export const withoutUser = (set: UserSet, user: UserId, depth = 0): UserSet => {
  if ('children' in set) {
    const rest = changed(set, digit(user, depth), (child) => withoutUser(child, user, depth + 1));
    return rest !== set && rest.size <= LEAF_SIZE ? leafOf(entriesOf(rest)) : rest;
  }
  return set.users.includes(user) ? leafOf(entriesOf(set).filter(([each]) => each !== user)) : set;
};

/** The one with the least number; null of an empty set. */
export const firstUser = (set: UserSet): UserId | null =>
  entriesOf(set).reduce<Entry | null>((first, entry) => (first === null || isBefore(entry, first) ? entry : first), null)?.[0] ?? null;

export const usersOf = (set: UserSet): readonly UserId[] => ('children' in set ? set.children.flatMap(usersOf) : set.users);

type Entry = readonly [user: UserId, since: number];
const entriesOf = (set: UserSet): readonly Entry[] =>
  'children' in set ? set.children.flatMap(entriesOf) : set.users.map((user, at) => [user, set.since[at] ?? 0]);
const leafOf = (entries: readonly Entry[]): Leaf => ({
  size: entries.length,
  users: entries.map(([user]) => user),
  since: entries.map(([, since]) => since),
});
const isBefore = ([a, since]: Entry, [b, other]: Entry): boolean => since < other || (since === other && a < b);

const changed = (branch: Branch, at: number, how: (child: UserSet) => UserSet): Branch => {
  const child = branch.children[at] ?? noUsers;
  const after = how(child);
  return after === child ? branch : { size: branch.size - child.size + after.size, children: branch.children.with(at, after) };
};

const digit = (user: UserId, depth: number): number => Number.parseInt(user.charAt(user.length - 1 - depth), 16);
