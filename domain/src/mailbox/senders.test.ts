import { expect, it } from 'vitest';
import { alice, mailboxNo } from '../testing/people.ts';
import { mailboxOpened, senderBlocked, senderUnblocked } from './events.ts';
import { blockableSender, blocks, mailbox } from './index.ts';

const mailboxId = mailboxNo(1);
const opened = mailboxOpened({ mailboxId, kind: 'shared', address: 'desk@tidings.test', name: 'Desk' });
const blocked = (...senders: readonly string[]) =>
  [opened, ...senders.map((sender) => senderBlocked({ mailboxId, sender, by: alice }))].reduce(mailbox.evolve, mailbox.initial);

it('an address blocks itself alone, a domain all below it', () => {
  const state = blocked('ann@town.test', 'spam.test');
  const verdicts = ['Ann@Town.test', 'bob@town.test', 'x@spam.test', 'x@mail.spam.test', 'x@notspam.test', 'x@test', '', 'no address'];
  expect(verdicts.map((sender) => blocks(state, sender))).toEqual([true, false, true, true, false, false, false, false]);
  expect(blocks(mailbox.evolve(state, senderUnblocked({ mailboxId, sender: 'spam.test', by: alice })), 'x@spam.test')).toBe(false);
  expect(blocks(mailbox.initial, 'ann@town.test')).toBe(false);
});

it('is kept in normal form', () => {
  expect(['Ann@Town.TEST', 'BÜCHER.test', ' spam.test ', 'nobody@', '', 'two words'].map(blockableSender)).toEqual([
    'ann@town.test',
    'xn--bcher-kva.test',
    'spam.test',
    null,
    null,
    null,
  ]);
});
