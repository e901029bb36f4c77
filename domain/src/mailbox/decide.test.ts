import { SHREDDED } from '@tidings/contracts/sealed';
import { describe, expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, carol, mailboxNo } from '../testing/people.ts';
import type { Command } from './decide.ts';
import {
  mailboxClosed,
  mailboxMemberRemoved,
  mailboxMemberSet,
  mailboxOpened,
  mailboxQuotaSet,
  mailboxRenamed,
  senderBlocked,
  senderUnblocked,
} from './events.ts';
import { mailbox, roleOf } from './index.ts';

const given = specify(mailbox);
const mailboxId = mailboxNo(1);
const details = { mailboxId, kind: 'shared', address: 'team@tidings.test', name: 'Team' } as const;
const open = { type: 'OpenMailbox', ...details, members: [{ userId: alice, role: 'admin' }] } as const;
const set = (userId: typeof alice, role: 'viewer' | 'editor' | 'sender' | 'admin'): Command => ({
  type: 'SetMailboxMember',
  mailboxId,
  userId,
  role,
});
const remove = (userId: typeof alice): Command => ({ type: 'RemoveMailboxMember', mailboxId, userId });
const isSet = (userId: typeof alice, role: 'viewer' | 'editor' | 'sender' | 'admin') => mailboxMemberSet({ mailboxId, userId, role });
const opened = [mailboxOpened(details), isSet(alice, 'admin')] as const;

describe('a mailbox', () => {
  it('is opened once, with its first members', () => {
    given()
      .when(open)
      .then(...opened);
    given(...opened)
      .when(open)
      .thenNothing();
    given(...opened)
      .when({ ...open, name: 'Renamed since', members: [] })
      .thenNothing();
    given(...opened)
      .when({ ...open, address: 'other@tidings.test' })
      .thenRejected({ type: 'MailboxExists' });
    given(mailboxOpened({ ...details, address: SHREDDED, name: SHREDDED }))
      .when(open)
      .thenNothing();
  });

  it('takes another name', () => {
    const rename = { type: 'RenameMailbox', mailboxId, name: 'Crew' } as const;
    const renamed = mailboxRenamed({ mailboxId, name: 'Crew' });
    given(...opened)
      .when(rename)
      .then(renamed);
    given(...opened, renamed)
      .when(rename)
      .thenNothing();
    given().when(rename).thenRejected({ type: 'NoSuchMailbox' });
  });

  it('gives and changes roles', () => {
    given(...opened)
      .when(set(bob, 'viewer'))
      .then(isSet(bob, 'viewer'));
    given(...opened, isSet(bob, 'viewer'))
      .when(set(bob, 'viewer'))
      .thenNothing();
    given(...opened, isSet(bob, 'viewer'))
      .when(set(bob, 'sender'))
      .then(isSet(bob, 'sender'));
  });

  it('takes members out', () => {
    given(...opened, isSet(bob, 'viewer'))
      .when(remove(bob))
      .then(mailboxMemberRemoved({ mailboxId, userId: bob }));
    given(...opened)
      .when(remove(carol))
      .thenNothing();
    const state = [...opened, isSet(bob, 'viewer'), mailboxMemberRemoved({ mailboxId, userId: bob })].reduce(
      mailbox.evolve,
      mailbox.initial,
    );
    expect([roleOf(state, alice), roleOf(state, bob)]).toEqual(['admin', null]);
  });

  it('keeps its last admin', () => {
    given(...opened, isSet(bob, 'sender'))
      .when(remove(alice))
      .thenRejected({ type: 'LastAdmin', userId: alice });
    given(...opened)
      .when(set(alice, 'viewer'))
      .thenRejected({ type: 'LastAdmin', userId: alice });
    given(...opened, isSet(bob, 'admin'))
      .when(remove(alice))
      .then(mailboxMemberRemoved({ mailboxId, userId: alice }));
  });

  it('must be there to have members', () => {
    given().when(set(bob, 'viewer')).thenRejected({ type: 'NoSuchMailbox' });
    given().when(remove(bob)).thenRejected({ type: 'NoSuchMailbox' });
  });

  it('blocks senders, a bounded number of them', () => {
    const what = { mailboxId, sender: 'spam.test', by: alice };
    given(...opened)
      .when({ type: 'BlockSender', ...what })
      .then(senderBlocked(what));
    given(...opened, senderBlocked(what))
      .when({ type: 'BlockSender', ...what })
      .thenNothing();
    given(...opened, senderBlocked(what))
      .when({ type: 'UnblockSender', ...what })
      .then(senderUnblocked(what));
    given(...opened)
      .when({ type: 'UnblockSender', ...what })
      .thenNothing();
    const many = Array.from({ length: 1000 }, (_, n) => senderBlocked({ ...what, sender: `spam${n}.test` }));
    given(...opened, ...many)
      .when({ type: 'BlockSender', ...what })
      .thenRejected({ type: 'TooManyBlockedSenders' });
    given()
      .when({ type: 'BlockSender', ...what })
      .thenRejected({ type: 'NoSuchMailbox' });
  });

  it('may keep so many bytes, or as many as all', () => {
    const quota = (bytes: number | null) => ({ mailboxId, bytes, by: alice });
    given(...opened)
      .when({ type: 'SetMailboxQuota', ...quota(5) })
      .then(mailboxQuotaSet(quota(5)));
    given(...opened)
      .when({ type: 'SetMailboxQuota', ...quota(null) })
      .thenNothing();
    given(...opened, mailboxQuotaSet(quota(5)))
      .when({ type: 'SetMailboxQuota', ...quota(null) })
      .then(mailboxQuotaSet(quota(null)));
  });

  it('lets the erased go, the last admin too', () => {
    const erased: Command = { type: 'RemoveErasedMember', mailboxId, userId: alice };
    given(...opened)
      .when(erased)
      .then(mailboxMemberRemoved({ mailboxId, userId: alice }));
    given(...opened, mailboxMemberRemoved({ mailboxId, userId: alice }))
      .when(erased)
      .thenNothing();
    given(...opened, mailboxMemberRemoved({ mailboxId, userId: alice }))
      .when(set(bob, 'admin'))
      .then(isSet(bob, 'admin'));
  });

  it('is closed once and for good', () => {
    const close: Command = { type: 'CloseMailbox', mailboxId, by: carol };
    const closed = mailboxClosed({ mailboxId, by: carol });
    given().when(close).thenRejected({ type: 'NoSuchMailbox' });
    given(...opened)
      .when(close)
      .then(closed);
    given(...opened, closed)
      .when(close)
      .thenNothing();
    given(...opened, closed)
      .when(open)
      .thenRejected({ type: 'MailboxExists' });
    given(...opened, closed)
      .when(set(bob, 'admin'))
      .thenRejected({ type: 'NoSuchMailbox' });
  });

  it('is its first member’s when it is personal', () => {
    const owner = (kind: 'personal' | 'shared') => {
      const state = [mailboxOpened({ ...details, kind }), isSet(alice, 'admin'), isSet(bob, 'admin')].reduce(
        mailbox.evolve,
        mailbox.initial,
      );
      return state.kind === 'open' ? state.owner : undefined;
    };
    expect([owner('personal'), owner('shared')]).toEqual([alice, null]);
  });
});
