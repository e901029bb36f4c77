import { mediaPath } from '@tidings/contracts/http/media';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { describe, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, carol, mediaNo, messageNo, roomNo } from '../testing/people.ts';
import type { DeleteMessage, EditMessage, SendMessage } from './decide.ts';
import { mediaShown, messageDeleted, messageEdited, messageSent } from './events.ts';
import { message } from './index.ts';

const given = specify(message);
const id = { roomId: roomNo(1), messageId: messageNo(1), senderId: alice };
const fresh = { ...id, mentions: [], threadId: null };
const send = (change: Partial<SendMessage> = {}): SendMessage => ({
  type: 'SendMessage',
  ...id,
  body: { type: 'Text', text: 'Hello' },
  mentions: [],
  notMembers: [],
  threadId: null,
  threadRoot: 'message',
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

  it('tells of a file of ours that it shows', () => {
    const mediaId = mediaNo(1);
    const body = { type: 'Media', mediaUrl: mediaPath(mediaId), mediaType: 'image', mimeType: null, altText: null } as const;
    given()
      .when(send({ body }))
      .then(messageSent({ ...fresh, body }), mediaShown({ ...id, mediaId }));
    given(messageSent({ ...fresh, body }), mediaShown({ ...id, mediaId }))
      .when(send({ body }))
      .thenNothing();
    const elsewhere = { ...body, mediaUrl: 'https://pictures.example/1.png' };
    given()
      .when(send({ body: elsewhere }))
      .then(messageSent({ ...fresh, body: elsewhere }));
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

describe('a mention', () => {
  it('names members, each once', () => {
    given()
      .when(send({ mentions: [bob, carol, bob] }))
      .then(messageSent({ ...fresh, body: { type: 'Text', text: 'Hello' }, mentions: [bob, carol] }));
    given()
      .when(send({ mentions: [bob, carol], notMembers: [carol] }))
      .thenRejected({ type: 'MentionsStrangers', userIds: [carol] });
  });

  it('is part of what a key stands for', () => {
    given(sent)
      .when(send({ mentions: [bob] }))
      .thenRejected({ type: 'IdempotencyKeyReused' });
    given(messageSent({ ...fresh, body: { type: 'Text', text: 'Hello' }, mentions: [bob] }))
      .when(send({ mentions: [bob, bob], notMembers: [bob] }))
      .thenNothing();
  });
});

describe('a thread', () => {
  const inThread = { threadId: messageNo(5) } as const;

  it('begins with a message of the room that is in no thread itself', () => {
    given()
      .when(send(inThread))
      .then(messageSent({ ...fresh, ...inThread, body: { type: 'Text', text: 'Hello' } }));
    given()
      .when(send({ ...inThread, threadRoot: 'none' }))
      .thenRejected({ type: 'NoSuchMessage', messageId: messageNo(5) });
    given()
      .when(send({ ...inThread, threadRoot: 'in-thread' }))
      .thenRejected({ type: 'ThreadInThread', threadId: messageNo(5) });
    given()
      .when(send({ threadId: null, threadRoot: 'none' }))
      .then(sent);
  });

  it('is part of what a key stands for', () => {
    given(sent).when(send(inThread)).thenRejected({ type: 'IdempotencyKeyReused' });
  });
});

describe('a message that was sent', () => {
  const { senderId: _, ...place } = id;
  const edit = (text: string, change: Partial<EditMessage> = {}): EditMessage => ({
    type: 'EditMessage',
    ...place,
    by: alice,
    text,
    mentions: null,
    notMembers: [],
    isMember: true,
    isBlocked: false,
    ...change,
  });
  const edited = (text: string, mentions: readonly (typeof bob)[] = []) => messageEdited({ ...id, body: { type: 'Text', text }, mentions });

  it('is rewritten, keeps what it answers, and says nothing that is so already', () => {
    given(sent).when(edit('Hi')).then(edited('Hi'));
    given(sent).when(edit('Hello')).thenNothing();
    given(sent, edited('Hi')).when(edit('Hello')).then(edited('Hello'));
    given(messageSent({ ...fresh, body: reply('Yes') }))
      .when(edit('No'))
      .then(messageEdited({ ...id, body: reply('No'), mentions: [] }));
  });

  it('keeps its mentions unless the edit names others', () => {
    given(sent, edited('Hi', [bob]))
      .when(edit('Hello'))
      .then(edited('Hello', [bob]));
    given(sent, edited('Hi', [bob]))
      .when(edit('Hi', { mentions: [] }))
      .then(edited('Hi'));
    given(sent)
      .when(edit('Hello', { mentions: [carol, carol] }))
      .then(edited('Hello', [carol]));
    given(sent)
      .when(edit('Hi', { mentions: [carol], notMembers: [carol] }))
      .thenRejected({ type: 'MentionsStrangers', userIds: [carol] });
  });

  it('is the same message for a retry of sending, however it reads now', () => {
    given(sent, edited('Hi', [bob]))
      .when(send())
      .thenNothing();
    given(sent, edited('Hi'))
      .when(send({ body: { type: 'Text', text: 'Hi' } }))
      .thenRejected({ type: 'IdempotencyKeyReused' });
  });

  it('is its author’s to edit, while they are there and not blocked', () => {
    given(sent)
      .when(edit('Hi', { by: bob }))
      .thenRejected({ type: 'NotTheAuthor', userId: bob });
    given(sent)
      .when(edit('Hi', { isMember: false }))
      .thenRejected({ type: 'NotAMember', userId: alice });
    given(sent)
      .when(edit('Hi', { isBlocked: true }))
      .thenRejected({ type: 'Blocked' });
  });

  it('cannot be edited without text, or when it is gone', () => {
    given().when(edit('Hi')).thenRejected({ type: 'NoSuchMessage', messageId: id.messageId });
    given()
      .when(edit('Hi', { isMember: false }))
      .thenRejected({ type: 'NotAMember' });
    given(messageSent({ ...fresh, body: { type: 'Media', mediaUrl: '/a', mediaType: 'image', mimeType: null, altText: null } }))
      .when(edit('Hi'))
      .thenRejected({ type: 'NothingToEdit' });
    given(messageSent({ ...fresh, body: SHREDDED }))
      .when(edit('Hi'))
      .thenRejected({ type: 'MessageGone' });
    given(sent, messageDeleted({ ...id, deletedBy: bob }))
      .when(edit('Hi'))
      .thenRejected({ type: 'MessageGone' });
  });

  it('is deleted once, by its author or a moderator', () => {
    const remove = (by: typeof bob, mayModerate: boolean, isMember = true): DeleteMessage => ({
      type: 'DeleteMessage',
      ...place,
      by,
      isMember,
      mayModerate,
    });
    const deleted = (deletedBy: typeof bob) => messageDeleted({ ...id, deletedBy });
    given(sent).when(remove(alice, false)).then(deleted(alice));
    given(sent, edited('Hi')).when(remove(bob, true)).then(deleted(bob));
    given(sent, deleted(alice)).when(remove(bob, true)).thenNothing();
    given(sent, deleted(alice)).when(send()).thenNothing();
    given(sent).when(remove(bob, false)).thenRejected({ type: 'NotTheAuthor', userId: bob });
    given(sent)
      .when(remove(alice, true, false))
      .thenRejected({ type: 'NotAMember', userId: alice });
    given().when(remove(alice, true)).thenRejected({ type: 'NoSuchMessage' });
  });
});
