import { SHREDDED } from '@tidings/contracts/sealed';
import { expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, conversationNo } from '../testing/people.ts';
import { replyAddressIssued, replyAddressRevoked } from './events.ts';
import { gateway, recipientByNumber, replyAddressFor } from './index.ts';

const given = specify(gateway);
const conversationId = conversationNo(1);
const issue = { type: 'IssueReplyAddress', conversationId, userId: alice, address: 'alice@example.org', outsider: true } as const;
const issued = replyAddressIssued({ conversationId, number: 1, userId: alice, address: 'alice@example.org', outsider: true });
const revoke = { type: 'RevokeReplyAddress', conversationId, userId: alice, by: bob } as const;
const revoked = replyAddressRevoked({ conversationId, number: 1, userId: alice, by: bob });

it('everyone has a reply address of their own, the same one for as long as it is good', () => {
  given().when(issue).then(issued);
  given(issued).when(issue).thenNothing();
  given(issued)
    .when({ ...issue, userId: bob })
    .then(replyAddressIssued({ ...issued.data, number: 2, userId: bob }));
  given(issued)
    .when({ ...issue, address: 'a@example.org' })
    .then(replyAddressIssued({ ...issued.data, number: 2, address: 'a@example.org' }));
});

it('a number is never given to another, also when its address is revoked or forgotten', () => {
  given(issued).when(revoke).then(revoked);
  given(issued, revoked).when(revoke).thenNothing();
  given(issued, revoked)
    .when(issue)
    .then(replyAddressIssued({ ...issued.data, number: 2 }));
  given(replyAddressIssued({ ...issued.data, address: SHREDDED }))
    .when(issue)
    .then(replyAddressIssued({ ...issued.data, number: 2 }));
  given(replyAddressIssued({ ...issued.data, number: 65_535 }))
    .when({ ...issue, userId: bob })
    .thenRejected({ type: 'TooManyReplyAddresses', most: 65_535 });
});

it('knows who may answer', () => {
  const state = [issued, revoked].reduce(gateway.evolve, gateway.initial);
  expect(replyAddressFor(gateway.evolve(gateway.initial, issued), alice, 'alice@example.org')?.number).toBe(1);
  expect([replyAddressFor(state, alice, 'alice@example.org'), recipientByNumber(state, 1)?.revoked, recipientByNumber(state, 2)]).toEqual([
    null,
    true,
    null,
  ]);
});
