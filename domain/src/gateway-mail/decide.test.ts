import type { MailMapped } from '@tidings/contracts/events/gateway';
import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, conversationNo, gatewayMailNo, messageNo } from '../testing/people.ts';
import { gatewayMailReceived, gatewayMailSettled, heldMailConfirmed, heldMailRefused, mailMapped } from './events.ts';
import { gatewayMail, type GatewayMailCommand } from './index.ts';

const given = specify(gatewayMail);
const mailId = gatewayMailNo(1);
const envelope = { mailFrom: 'bob@example.org', rcptTo: ['reply+x@inbox.tidings.test'], helo: 'mx', clientAddress: '192.0.2.1' };
const received = gatewayMailReceived({ mailId, door: 'smtp', blobId: blobNo(1), size: 9, senderId: bob, envelope, said: null });
const held = {
  mailId,
  outcome: 'held',
  reason: 'unauthenticated',
  conversationId: conversationNo(1),
  userId: bob,
  messageIds: [],
  claim: null,
} as const;
const posted = { ...held, outcome: 'posted', reason: null, messageIds: [messageNo(1)] } as const;
const mapped: MailMapped['data'] = {
  ...{ conversationId: conversationNo(1), direction: 'in', userId: bob, emailMessageId: '<1@example.org>', senderEmail: 'bob@example.org' },
  ...{ subjectNormalized: 'the fair', replyToToken: null, strategy: 'token', sureness: 'certain', disagreeing: [] },
  ...{ messageId: messageNo(1), mailId },
};
const settle = (settled: typeof held | typeof posted): GatewayMailCommand => ({
  ...{ type: 'SettleGatewayMail', settled, mapped: settled.outcome === 'posted' ? mapped : null },
});
const settled = (as: typeof held | typeof posted) => gatewayMailSettled({ ...as, senderId: bob });
const confirm = { type: 'ConfirmHeldMail', mailId, by: alice } as const;
const refuse = { type: 'RefuseHeldMail', mailId, by: alice } as const;
const confirmed = heldMailConfirmed({ mailId, senderId: bob, by: alice });
const refused = heldMailRefused({ mailId, senderId: bob, by: alice });

it('is received and settled once', () => {
  given().when({ type: 'ReceiveGatewayMail', mail: received.data }).then(received);
  given(received).when({ type: 'ReceiveGatewayMail', mail: received.data }).thenNothing();
  given(received).when(settle(posted)).then(mailMapped(mapped), settled(posted));
  given(received).when(settle(held)).then(settled(held));
  given(received, settled(posted)).when(settle(held)).thenNothing();
  given().when(settle(posted)).thenRejected({ type: 'NoSuchGatewayMail', mailId });
});

it('one that is held is posted when a member confirms it, and once', () => {
  given(received, settled(held)).when(confirm).then(confirmed);
  given(received, settled(held)).when(settle(posted)).thenNothing();
  given(received, settled(held), confirmed).when(settle(posted)).then(mailMapped(mapped), settled(posted));
  given(received, settled(held), confirmed, settled(posted)).when(settle(posted)).thenNothing();
  given(received, settled(held), confirmed).when(confirm).thenNothing();
});

it('what one member decided stays', () => {
  given(received, settled(held)).when(refuse).then(refused);
  given(received, settled(held), refused).when(confirm).thenRejected({ type: 'HeldMailDecided', decision: 'refused' });
  given(received, settled(held), refused).when(settle(posted)).thenNothing();
  given(received, settled(posted)).when(confirm).thenRejected({ type: 'MailNotHeld', mailId });
  given().when(refuse).thenRejected({ type: 'NoSuchGatewayMail', mailId });
});
