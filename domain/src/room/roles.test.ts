/** What the ranks of a group let people do, and what they made of a room: name, image, pins. */
import { SHREDDED } from '@tidings/contracts/sealed';
import { describe, expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, carol, messageNo, roomNo, userNo } from '../testing/people.ts';
import { type Command, MOST_PINS } from './decide.ts';
import {
  memberRoleChanged,
  messagePinned,
  messageUnpinned,
  roomClosed,
  roomCreated,
  roomImageChanged,
  roomJoined,
  roomLeft,
  roomRenamed,
} from './events.ts';
import { mayIn, privateRoomId, roleOf, room } from './index.ts';

const given = specify(room);
const roomId = roomNo(1);
const dave = userNo(4);

/** Alice owns it, Bob is its admin, Carol and Dave are members; Carol came before Dave. */
const created = roomCreated({ roomId, roomType: 'Group', name: 'Rowing', createdBy: alice, members: [alice, dave, bob] });
const role = (userId: typeof alice, as: 'owner' | 'admin' | 'member', by = alice) => memberRoleChanged({ roomId, userId, role: as, by });
const leaves = (userId: typeof alice, by = userId) => roomLeft({ roomId, roomType: 'Group', userId, by });
const joins = (userId: typeof alice, invitedBy = alice) => roomJoined({ roomId, userId, invitedBy });
const group = [created, leaves(dave), joins(carol), joins(dave), role(bob, 'admin')] as const;
const pair = roomCreated({ roomId: privateRoomId(alice, bob), roomType: 'Single', name: null, createdBy: alice, members: [alice, bob] });

const rename = (by: typeof alice, name: string | null): Command => ({ type: 'RenameRoom', roomId, by, name });
const remove = (by: typeof alice, userId: typeof alice): Command => ({ type: 'RemoveMember', roomId, by, userId });
const setRole = (by: typeof alice, userId: typeof alice, as: 'owner' | 'admin' | 'member'): Command => ({
  type: 'SetMemberRole',
  roomId,
  by,
  userId,
  role: as,
});
const leave = (userId: typeof alice): Command => ({ type: 'LeaveRoom', roomId, userId });
const setImage = (by: typeof alice, image: number | null): Command => ({
  type: 'ChangeRoomImage',
  roomId,
  by,
  image: image === null ? null : { blobId: blobNo(image), size: 1, mimeType: 'image/jpeg' },
});
const pin = (by: typeof alice, n: number, change: { messageExists?: boolean; isBlocked?: boolean } = {}): Command => ({
  type: 'PinMessage',
  roomId,
  by,
  messageId: messageNo(n),
  messageExists: true,
  isBlocked: false,
  ...change,
});
const unpin = (by: typeof alice, n: number, isBlocked = false): Command => ({
  type: 'UnpinMessage',
  roomId,
  by,
  messageId: messageNo(n),
  isBlocked,
});
const pinned = (n: number) => messagePinned({ roomId, messageId: messageNo(n), by: alice });

describe('ranks', () => {
  const state = group.reduce(room.evolve, room.initial);

  it('are the creator’s, whom owners named, and nobody’s in a private room', () => {
    expect([alice, bob, carol, dave, userNo(9)].map((user) => roleOf(state, user))).toEqual(['owner', 'admin', 'member', 'member', null]);
    expect([alice, bob, carol, userNo(9)].map((user) => mayIn(state, user, 'moderate'))).toEqual([true, true, false, false]);
    const two = room.evolve(room.initial, pair);
    expect([roleOf(two, alice), mayIn(two, alice, 'moderate'), mayIn(room.initial, alice, 'read')]).toEqual(['member', false, false]);
  });

  it('are given and taken by owners only', () => {
    given(...group)
      .when(setRole(alice, carol, 'admin'))
      .then(role(carol, 'admin'));
    given(...group)
      .when(setRole(alice, bob, 'member'))
      .then(role(bob, 'member'));
    given(...group)
      .when(setRole(alice, bob, 'admin'))
      .thenNothing();
    given(...group)
      .when(setRole(bob, carol, 'admin'))
      .thenRejected({ type: 'RoleTooLow', userId: bob });
    given(...group)
      .when(setRole(userNo(9), carol, 'admin'))
      .thenRejected({ type: 'NotAMember', userId: userNo(9) });
    given(...group)
      .when(setRole(alice, userNo(9), 'admin'))
      .thenRejected({ type: 'NoSuchMember', userId: userNo(9) });
    given(pair)
      .when(setRole(alice, bob, 'admin'))
      .thenRejected({ type: 'PrivateRoom' });
  });

  it('leave a group at least one owner', () => {
    given(...group)
      .when(setRole(alice, alice, 'admin'))
      .thenRejected({ type: 'LastOwner' });
    given(...group, role(bob, 'owner'))
      .when(setRole(alice, alice, 'member'))
      .then(role(alice, 'member'));
  });

  it('end with the membership', () => {
    given(...group, leaves(bob), joins(bob))
      .when(rename(bob, 'Sailing'))
      .thenRejected({ type: 'RoleTooLow', userId: bob });
    given(...group, role(bob, 'owner'), leaves(alice), role(alice, 'owner'), joins(alice))
      .when(setRole(alice, bob, 'member'))
      .thenRejected({ type: 'RoleTooLow', userId: alice });
  });

  it('go to the longest-standing admin, else member, when the last owner leaves', () => {
    given(...group, role(carol, 'admin'))
      .when(leave(alice))
      .then(leaves(alice), role(bob, 'owner'));
    given(...group, role(bob, 'member'))
      .when(leave(alice))
      .then(leaves(alice), role(bob, 'owner'));
    given(...group, leaves(bob))
      .when(leave(alice))
      .then(leaves(alice), role(carol, 'owner'));
    given(...group, role(dave, 'owner'))
      .when(leave(alice))
      .then(leaves(alice));
    given(...group)
      .when(leave(carol))
      .then(leaves(carol));
    given(...group, leaves(bob), leaves(carol), leaves(dave))
      .when(leave(alice))
      .then(leaves(alice), roomClosed({ roomId }));
  });
});

describe('removing members', () => {
  it('is for owners, and for admins where nobody of rank is concerned', () => {
    given(...group)
      .when(remove(alice, bob))
      .then(leaves(bob, alice));
    given(...group, role(bob, 'owner'))
      .when(remove(alice, bob))
      .then(leaves(bob, alice));
    given(...group)
      .when(remove(bob, carol))
      .then(leaves(carol, bob));
    given(...group, role(carol, 'admin'))
      .when(remove(bob, carol))
      .thenRejected({ type: 'RoleTooLow', userId: bob });
    given(...group)
      .when(remove(bob, alice))
      .thenRejected({ type: 'RoleTooLow', userId: bob });
    given(...group)
      .when(remove(carol, dave))
      .thenRejected({ type: 'RoleTooLow', userId: carol });
  });

  it('concerns others, who are or were in the group', () => {
    given(...group)
      .when(remove(alice, alice))
      .thenRejected({ type: 'RemovesYourself' });
    given(...group)
      .when(remove(alice, userNo(9)))
      .thenRejected({ type: 'NoSuchMember', userId: userNo(9) });
    given(...group)
      .when(remove(userNo(9), alice))
      .thenRejected({ type: 'NotAMember', userId: userNo(9) });
    given(...group, leaves(carol, alice))
      .when(remove(alice, carol))
      .thenNothing();
    given(pair).when(remove(alice, bob)).thenRejected({ type: 'PrivateRoom' });
    given().when(remove(alice, bob)).thenRejected({ type: 'NotAMember', userId: alice });
  });
});

describe('what a room looks like', () => {
  it('is named by owners and admins', () => {
    const renamed = (name: string | null, by = alice) => roomRenamed({ roomId, name, by });
    given(...group)
      .when(rename(bob, 'Sailing'))
      .then(renamed('Sailing', bob));
    given(...group)
      .when(rename(alice, null))
      .then(renamed(null));
    given(...group)
      .when(rename(alice, 'Rowing'))
      .thenNothing();
    given(...group, renamed('Sailing'))
      .when(rename(alice, 'Rowing'))
      .then(renamed('Rowing'));
    given(...group, roomRenamed({ roomId, name: SHREDDED, by: bob }))
      .when(rename(alice, 'Rowing'))
      .then(renamed('Rowing'));
    given(...group)
      .when(rename(carol, 'Sailing'))
      .thenRejected({ type: 'RoleTooLow', userId: carol });
    given(pair).when(rename(alice, 'Us')).thenRejected({ type: 'PrivateRoom' });
    given().when(rename(alice, 'Us')).thenRejected({ type: 'NotAMember', userId: alice });
  });

  it('has the image that any member gave it', () => {
    const changed = roomImageChanged({ roomId, by: carol, image: { blobId: blobNo(1), size: 1, mimeType: 'image/jpeg' } });
    given(...group)
      .when(setImage(carol, 1))
      .then(changed);
    given(...group, changed)
      .when(setImage(dave, 1))
      .thenNothing();
    given(...group, changed)
      .when(setImage(dave, null))
      .then(roomImageChanged({ roomId, by: dave, image: null }));
    given(...group)
      .when(setImage(dave, null))
      .thenNothing();
    given(pair).when(setImage(alice, 1)).thenRejected({ type: 'PrivateRoom' });
    given(pair).when(setImage(carol, 1)).thenRejected({ type: 'NotAMember', userId: carol });
  });
});

describe('pins', () => {
  it('are any member’s to set and to take away, in private rooms too', () => {
    given(...group)
      .when(pin(carol, 1))
      .then(messagePinned({ roomId, messageId: messageNo(1), by: carol }));
    given(...group, pinned(1))
      .when(pin(bob, 1))
      .thenNothing();
    given(...group, pinned(1))
      .when(unpin(carol, 1))
      .then(messageUnpinned({ roomId, messageId: messageNo(1), by: carol }));
    given(...group)
      .when(unpin(carol, 1))
      .thenNothing();
    given(pair).when(pin(alice, 1)).then(pinned(1));
  });

  it('go with their message, whoever deleted it', () => {
    const gone = (n: number): Command => ({ type: 'UnpinDeleted', roomId, by: userNo(9), messageId: messageNo(n) });
    given(...group, pinned(1))
      .when(gone(1))
      .then(messageUnpinned({ roomId, messageId: messageNo(1), by: userNo(9) }));
    given(...group, pinned(1))
      .when(gone(2))
      .thenNothing();
    given().when(gone(1)).thenNothing();
  });

  it('need a message, a member, and no block between the two of a private room', () => {
    given(...group)
      .when(pin(alice, 1, { messageExists: false }))
      .thenRejected({ type: 'NoSuchMessage', messageId: messageNo(1) });
    given(...group)
      .when(pin(userNo(9), 1, { messageExists: false }))
      .thenRejected({ type: 'NotAMember', userId: userNo(9) });
    given().when(unpin(alice, 1)).thenRejected({ type: 'NotAMember', userId: alice });
    given(pair)
      .when(pin(alice, 1, { isBlocked: true }))
      .thenRejected({ type: 'Blocked' });
    given(pair, pinned(1))
      .when(unpin(alice, 1, true))
      .thenRejected({ type: 'Blocked' });
  });

  it(`are ${MOST_PINS} at most`, () => {
    const full = Array.from({ length: MOST_PINS }, (_, n) => pinned(n + 1));
    given(...group, ...full)
      .when(pin(alice, 99))
      .thenRejected({ type: 'TooManyPins', most: MOST_PINS });
    given(...group, ...full)
      .when(pin(alice, 1))
      .thenNothing();
    given(...group, ...full, messageUnpinned({ roomId, messageId: messageNo(1), by: bob }))
      .when(pin(alice, 99))
      .then(pinned(99));
  });
});
