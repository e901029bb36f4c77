import { describe, expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob } from '../testing/people.ts';
import type { Command } from './decide.ts';
import { friendshipAccepted, friendshipEnded, friendshipRejected, friendshipRequested, userBlocked, userUnblocked } from './events.ts';
import { relationship, relationshipKey } from './index.ts';

const given = specify(relationship);
const command =
  (type: Command['type']) =>
  (by: Command['by'], to: Command['to']): Command => ({ type, by, to });
const request = command('RequestFriendship');
const accept = command('AcceptFriendship');
const reject = command('RejectFriendship');
const end = command('EndFriendship');
const block = command('BlockUser');
const unblock = command('UnblockUser');

const asked = friendshipRequested({ by: alice, to: bob });
const friends = [asked, friendshipAccepted({ by: bob, to: alice })] as const;
const aliceBlocked = userBlocked({ by: alice, to: bob });
const bobBlocked = userBlocked({ by: bob, to: alice });

describe('friendship', () => {
  it('is asked for once', () => {
    given().when(request(alice, bob)).then(asked);
    given(asked).when(request(alice, bob)).thenNothing();
    given(...friends)
      .when(request(alice, bob))
      .thenNothing();
    given(...friends)
      .when(request(bob, alice))
      .thenNothing();
  });

  it('comes of crossed requests (W2)', () => {
    given(asked)
      .when(request(bob, alice))
      .then(friendshipAccepted({ by: bob, to: alice }));
  });

  it('is accepted or rejected by who was asked', () => {
    given(asked)
      .when(accept(bob, alice))
      .then(friendshipAccepted({ by: bob, to: alice }));
    given(asked)
      .when(reject(bob, alice))
      .then(friendshipRejected({ by: bob, to: alice }));
    given(asked, friendshipRejected({ by: bob, to: alice }))
      .when(request(alice, bob))
      .then(asked);
  });

  it('cannot be answered by anyone else, or without a request', () => {
    for (const answer of [accept, reject]) {
      given().when(answer(bob, alice)).thenRejected({ type: 'NoRelationship' });
      given(asked).when(answer(alice, bob)).thenRejected({ type: 'NotInvited' });
      given(...friends)
        .when(answer(bob, alice))
        .thenRejected({ type: 'NotInvited' });
      given(aliceBlocked).when(answer(bob, alice)).thenRejected({ type: 'NotInvited' });
    }
  });

  it('is ended by either', () => {
    given(...friends)
      .when(end(alice, bob))
      .then(friendshipEnded({ by: alice, to: bob }));
    given(...friends)
      .when(end(bob, alice))
      .then(friendshipEnded({ by: bob, to: alice }));
    given().when(end(alice, bob)).thenRejected({ type: 'NoRelationship' });
    given(asked).when(end(alice, bob)).thenRejected({ type: 'NotFriends' });
    given(bobBlocked).when(end(alice, bob)).thenRejected({ type: 'NotFriends' });
  });

  it('does not come about across a block, whoever made it', () => {
    given(bobBlocked).when(request(alice, bob)).thenRejected({ type: 'FriendshipBlocked' });
    given(aliceBlocked).when(request(alice, bob)).thenRejected({ type: 'FriendshipBlocked' });
  });
});

describe('blocking', () => {
  it('replaces whatever was there, once', () => {
    given().when(block(alice, bob)).then(aliceBlocked);
    given(asked).when(block(alice, bob)).then(aliceBlocked);
    given(...friends)
      .when(block(alice, bob))
      .then(aliceBlocked);
    given(aliceBlocked).when(block(alice, bob)).thenNothing();
    given(bobBlocked).when(block(alice, bob)).then(aliceBlocked);
  });

  it('is lifted by who made it', () => {
    given(aliceBlocked)
      .when(unblock(alice, bob))
      .then(userUnblocked({ by: alice, to: bob }));
    given(bobBlocked).when(unblock(alice, bob)).thenRejected({ type: 'BlockedByOther' });
    given().when(unblock(alice, bob)).thenRejected({ type: 'NoRelationship' });
    given(...friends)
      .when(unblock(alice, bob))
      .thenRejected({ type: 'NotBlocked' });
    given(aliceBlocked, userUnblocked({ by: alice, to: bob }))
      .when(request(bob, alice))
      .then(friendshipRequested({ by: bob, to: alice }));
  });

  it('of both by both leaves one when one lifts theirs', () => {
    const both = [aliceBlocked, bobBlocked] as const;
    given(...both)
      .when(unblock(alice, bob))
      .then(userUnblocked({ by: alice, to: bob }));
    given(...both, userUnblocked({ by: alice, to: bob }))
      .when(unblock(alice, bob))
      .thenRejected({ type: 'BlockedByOther' });
    given(...both, userUnblocked({ by: alice, to: bob }))
      .when(unblock(bob, alice))
      .then(userUnblocked({ by: bob, to: alice }));
  });
});

it('nobody relates to themselves', () => {
  given().when(request(alice, alice)).thenRejected({ type: 'WithYourself' });
  given().when(block(alice, alice)).thenRejected({ type: 'WithYourself' });
  given().when(accept(alice, alice)).thenRejected({ type: 'NoRelationship' });
  given().when(unblock(alice, alice)).thenRejected({ type: 'NoRelationship' });
});

it('a pair has one stream, whoever comes first', () => {
  expect(relationshipKey(alice, bob)).toBe(relationshipKey(bob, alice));
});
