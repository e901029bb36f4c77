import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { describe, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, messageNo, roomNo } from '../testing/people.ts';
import type { Command } from './decide.ts';
import { messageSent } from './events.ts';
import { message } from './index.ts';

const given = specify(message);
const id = { roomId: roomNo(1), messageId: messageNo(1), senderId: alice };
const fresh = { ...id, mentions: [], threadId: null };
const send = (change: Partial<Command> = {}): Command => ({
  type: 'SendMessage',
  ...id,
  body: { type: 'Text', text: 'Hello' },
  isMember: true,
  isBlocked: false,
  ...change,
});
const sent = messageSent({ ...fresh, body: { type: 'Text', text: 'Hello' } });

const reply = (text: string, answers = messageNo(7), quote = 'Lunch?') =>
  ({
    type: 'Reply',
    text,
    quoted: { messageId: answers, senderId: bob, createdAt: timestamp(0), body: { type: 'Text', text: quote } },
  }) as const;

describe('a message', () => {
  it('is sent by a member', () => {
    given().when(send()).then(sent);
    given()
      .when(send({ isMember: false }))
      .thenRejected({ type: 'NotAMember', userId: alice });
    given()
      .when(send({ isBlocked: true }))
      .thenRejected({ type: 'Blocked' });
  });

  it('is sent once per key (W3), whatever became of the membership since', () => {
    given(sent).when(send()).thenNothing();
    given(sent)
      .when(send({ isMember: false }))
      .thenNothing();
    given(sent)
      .when(send({ isBlocked: true }))
      .thenNothing();
  });

  it('is not another message under the same key', () => {
    given(sent)
      .when(send({ body: { type: 'Text', text: 'Good bye' } }))
      .thenRejected({ type: 'IdempotencyKeyReused' });
    given(sent)
      .when(send({ senderId: bob }))
      .thenRejected({ type: 'IdempotencyKeyReused' });
    given(sent)
      .when(send({ body: { type: 'Media', mediaUrl: '/a', mediaType: 'image', mimeType: null, altText: null } }))
      .thenRejected({ type: 'IdempotencyKeyReused' });
  });

  it('is the same one with its fields in another order, as a store may give them back', () => {
    const media = { type: 'Media', mediaUrl: '/a', mediaType: 'image', mimeType: null, altText: null } as const;
    const turned = { altText: null, mimeType: null, mediaType: 'image', mediaUrl: '/a', type: 'Media' } as const;
    given(messageSent({ ...fresh, body: turned }))
      .when(send({ body: media }))
      .thenNothing();
  });

  it('is the same reply even when what it quotes was looked up differently', () => {
    const replied = messageSent({ ...fresh, body: reply('Yes') });
    given(replied)
      .when(send({ body: reply('Yes', messageNo(7), 'Dinner?') }))
      .thenNothing();
    given(replied)
      .when(send({ body: reply('No') }))
      .thenRejected({ type: 'IdempotencyKeyReused' });
    given(replied)
      .when(send({ body: reply('Yes', messageNo(8)) }))
      .thenRejected({ type: 'IdempotencyKeyReused' });
  });

  it('stays once its sender is erased', () => {
    given(messageSent({ ...fresh, body: SHREDDED }))
      .when(send())
      .thenNothing();
  });
});
