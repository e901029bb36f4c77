import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, messageNo, roomNo } from '../testing/people.ts';
import { type Command, MOST_REACTIONS } from './decide.ts';
import { reactionAdded, reactionRemoved } from './events.ts';
import { reaction } from './index.ts';

const given = specify(reaction);
const place = { roomId: roomNo(1), messageId: messageNo(1), userId: alice };
const add = (emoji: string, change: Partial<Command> = {}): Command => ({
  type: 'AddReaction',
  ...place,
  emoji,
  isMember: true,
  messageExists: true,
  isBlocked: false,
  ...change,
});
const remove = (emoji: string, change: Partial<Command> = {}): Command => add(emoji, { type: 'RemoveReaction', ...change });
const added = (emoji: string) => reactionAdded({ ...place, emoji });
const removed = (emoji: string) => reactionRemoved({ ...place, emoji });

it('a reaction is there once', () => {
  given().when(add('👍')).then(added('👍'));
  given(added('👍')).when(add('👍')).thenNothing();
  given(added('👍')).when(add('🎉')).then(added('🎉'));
  given(added('👍')).when(remove('👍')).then(removed('👍'));
  given(added('👍'), removed('👍')).when(remove('👍')).thenNothing();
  given(added('👍'), removed('👍')).when(add('👍')).then(added('👍'));
});

it('is for members, on messages that are there, and not across a block', () => {
  given()
    .when(add('👍', { isMember: false, messageExists: false }))
    .thenRejected({ type: 'NotAMember', userId: alice });
  given()
    .when(add('👍', { messageExists: false }))
    .thenRejected({ type: 'NoSuchMessage', messageId: messageNo(1) });
  given()
    .when(add('👍', { isBlocked: true }))
    .thenRejected({ type: 'Blocked' });
  given(added('👍'))
    .when(remove('👍', { isBlocked: true }))
    .then(removed('👍'));
  given(added('👍'))
    .when(remove('👍', { isMember: false }))
    .thenRejected({ type: 'NotAMember' });
});

it(`there are ${MOST_REACTIONS} different ones of a user at most`, () => {
  const many = Array.from({ length: MOST_REACTIONS }, (_, n) => added(`:${n}:`));
  given(...many)
    .when(add('👍'))
    .thenRejected({ type: 'TooManyReactions', most: MOST_REACTIONS });
  given(...many)
    .when(add(':3:'))
    .thenNothing();
  given(...many, removed(':3:'))
    .when(add('👍'))
    .then(added('👍'));
});
