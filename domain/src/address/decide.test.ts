import { expect, it } from 'vitest';
import type { EmailAddress } from '../mail/address.ts';
import { specify } from '../testing/given.ts';
import { mailboxNo } from '../testing/people.ts';
import { addressClaimed, addressReleased } from './events.ts';
import { address, addressKey } from './index.ts';

const given = specify(address);
const ann = 'ann@tidings.test' as EmailAddress;
const claim = (mailbox: number) => ({ type: 'ClaimAddress', address: ann, mailboxId: mailboxNo(mailbox) }) as const;
const claimed = addressClaimed({ address: ann, mailboxId: mailboxNo(1) });

it('an address belongs to whoever claims it first', () => {
  given().when(claim(1)).then(claimed);
  given(claimed).when(claim(1)).thenNothing();
  given(claimed).when(claim(2)).thenRejected({ type: 'AddressTaken', address: ann });
});

it('an address given up is free for the next, and only its owner gives it up', () => {
  const release = (mailbox: number) => ({ type: 'ReleaseAddress', address: ann, mailboxId: mailboxNo(mailbox) }) as const;
  const released = addressReleased({ address: ann, mailboxId: mailboxNo(1) });
  given(claimed).when(release(1)).then(released);
  given(claimed).when(release(2)).thenNothing();
  given().when(release(1)).thenNothing();
  given(claimed, released)
    .when(claim(2))
    .then(addressClaimed({ address: ann, mailboxId: mailboxNo(2) }));
});

it('the stream does not show the address', () => {
  expect(addressKey(ann)).toMatch(/^[0-9a-f-]{36}$/);
});
