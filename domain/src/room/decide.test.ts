import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, carol, roomNo } from '../testing/people.ts';
import type { Command, CreateRoom } from './decide.ts';
import { roomClosed, roomCreated, roomJoined, roomLeft } from './events.ts';
import { otherOf, privateRoomId, room, roomIdOf } from './index.ts';

const given = specify(room);
const groupId = roomNo(1);
const privateId = privateRoomId(alice, bob);

const create = (change: Partial<CreateRoom>): CreateRoom => ({
  type: 'CreateRoom',
  by: alice,
  roomType: 'Group',
  name: 'Rowing',
  invited: [alice, bob],
  blocked: [],
  groupId,
  ...change,
});
const createPrivate = (change: Partial<CreateRoom> = {}): CreateRoom => create({ roomType: 'Single', name: null, ...change });
const invite = (by: typeof alice, userId: typeof alice, blocked = false): Command => ({
  type: 'InviteToRoom',
  roomId: groupId,
  by,
  userId,
  blocked,
});
const leave = (roomId: typeof groupId, userId: typeof alice): Command => ({ type: 'LeaveRoom', roomId, userId });
const reopen = (userId: typeof alice, by: typeof alice): Command => ({ type: 'ReopenRoom', roomId: privateId, userId, by });

const group = roomCreated({ roomId: groupId, roomType: 'Group', name: 'Rowing', createdBy: alice, members: [alice, bob] });
const pair = roomCreated({ roomId: privateId, roomType: 'Single', name: null, createdBy: alice, members: [alice, bob] });
const leftGroup = (userId: typeof alice) => roomLeft({ roomId: groupId, roomType: 'Group', userId, by: userId });
const leftPair = (userId: typeof alice) => roomLeft({ roomId: privateId, roomType: 'Single', userId, by: userId });
const joinedPair = (userId: typeof alice, invitedBy: typeof alice) => roomJoined({ roomId: privateId, userId, invitedBy });

describe('a group', () => {
  it('is created with everyone joined', () => {
    given().when(create({})).then(group);
    given()
      .when(create({ invited: [alice, bob, bob, alice] }))
      .then(group);
  });

  it('drops whoever is in a block relation with its creator', () => {
    given()
      .when(create({ invited: [alice, bob, carol], blocked: [carol] }))
      .then(group);
    given()
      .when(create({ blocked: [bob] }))
      .thenRejected({ type: 'TooFewMembers', members: 1 });
  });

  it('needs its creator among the invited, and two of them', () => {
    given()
      .when(create({ invited: [bob, carol] }))
      .thenRejected({ type: 'CreatorNotInvited' });
    given()
      .when(create({ invited: [alice] }))
      .thenRejected({ type: 'TooFewMembers', members: 1 });
  });

  it('lets any member invite, also who had left', () => {
    given(group)
      .when(invite(bob, carol))
      .then(roomJoined({ roomId: groupId, userId: carol, invitedBy: bob }));
    given(group, leftGroup(bob))
      .when(invite(alice, bob))
      .then(roomJoined({ roomId: groupId, userId: bob, invitedBy: alice }));
  });

  it('refuses an invitation in the order of the contract: block, private, not a member, already a member', () => {
    given(pair)
      .when(invite(carol, bob, true))
      .thenRejected({ type: 'InviteBlocked' });
    given(pair).when(invite(carol, bob)).thenRejected({ type: 'PrivateRoom' });
    given(group).when(invite(carol, bob)).thenRejected({ type: 'NotAMember', userId: carol });
    given(group).when(invite(alice, bob)).thenRejected({ type: 'AlreadyMember', userId: bob });
    given().when(invite(alice, bob)).thenRejected({ type: 'NotAMember', userId: alice });
  });

  it('is left by one, and closes behind the last', () => {
    given(group).when(leave(groupId, bob)).then(leftGroup(bob));
    given(group, leftGroup(bob)).when(leave(groupId, bob)).thenRejected({ type: 'NotAMember' });
    given(group, leftGroup(bob))
      .when(leave(groupId, alice))
      .then(leftGroup(alice), roomClosed({ roomId: groupId }));
    given(group, leftGroup(bob), leftGroup(alice), roomClosed({ roomId: groupId }))
      .when(invite(alice, bob))
      .thenRejected({ type: 'NotAMember' });
  });

  it('cannot be reopened', () => {
    given(group, leftGroup(bob)).when(reopen(bob, alice)).thenRejected({ type: 'NotAPrivateRoom' });
  });
});

describe('a private room', () => {
  it('has the id of its pair, so that there is one (W1)', () => {
    given().when(createPrivate()).then(pair);
    given(pair).when(createPrivate()).thenRejected({ type: 'RoomExists', roomId: privateId });
    given(pair)
      .when(createPrivate({ by: bob }))
      .thenRejected({ type: 'RoomExists', roomId: privateId });
    expect(roomIdOf(createPrivate({ by: bob, invited: [bob, alice] }))).toEqual(E.right(privateId));
  });

  it('needs exactly two who do not block each other', () => {
    given()
      .when(createPrivate({ invited: [alice, bob, carol] }))
      .thenRejected({ type: 'NotAPair', members: 3 });
    given()
      .when(createPrivate({ invited: [alice, alice] }))
      .thenRejected({ type: 'NotAPair', members: 1 });
    given()
      .when(createPrivate({ blocked: [bob] }))
      .thenRejected({ type: 'NotAPair', members: 1 });
    given()
      .when(createPrivate({ invited: [bob, carol] }))
      .thenRejected({ type: 'CreatorNotInvited' });
  });

  it('is left by one only, and stays even when both are gone (W10)', () => {
    given(pair).when(leave(privateId, alice)).then(leftPair(alice));
    given(pair, leftPair(alice)).when(leave(privateId, bob)).then(leftPair(bob));
    given(pair, leftPair(alice), leftPair(bob)).when(createPrivate()).then(joinedPair(alice, alice));
  });

  it('is the same one again when its leaver creates it, or the other writes', () => {
    given(pair, leftPair(alice)).when(createPrivate()).then(joinedPair(alice, alice));
    given(pair, leftPair(alice))
      .when(createPrivate({ by: bob }))
      .thenRejected({ type: 'RoomExists' });
    given(pair, leftPair(alice)).when(reopen(alice, bob)).then(joinedPair(alice, bob));
    given(pair, leftPair(alice)).when(reopen(alice, alice)).then(joinedPair(alice, alice));
    given(pair, leftPair(alice), joinedPair(alice, bob)).when(reopen(alice, bob)).thenNothing();
  });

  it('opens to nobody else', () => {
    given(pair, leftPair(alice)).when(reopen(alice, carol)).thenRejected({ type: 'NotAMember', userId: carol });
    given(pair).when(reopen(carol, alice)).thenRejected({ type: 'NotAMember', userId: carol });
    given().when(reopen(alice, bob)).thenRejected({ type: 'NotAMember' });
  });

  it('knows the other one, joined or not', () => {
    const state = [pair, leftPair(bob)].reduce(room.evolve, room.initial);
    expect([otherOf(state, alice), otherOf(state, bob), otherOf(state, carol)]).toEqual([bob, alice, null]);
    expect(otherOf(room.evolve(room.initial, group), alice)).toBeNull();
  });
});
