/** What becomes of messages: edits, deletion, reactions, threads, pins (chat-contract §6). */
import * as t from 'io-ts';
import { Emoji } from '../emoji.ts';
import { MessageText } from '../events/message.ts';
import { MessageId, RoomId, UserId } from '../ids.ts';
import { Mentions, LARGEST_PAGE } from './chat.ts';
import { Message } from './chat-objects.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const THREAD_PAGE = 25;

const path = '/api/rooms/{roomId}/messages/{messageId}';
const params = t.readonly(t.type({ roomId: RoomId, messageId: MessageId }));
const reactionParams = t.readonly(t.type({ roomId: RoomId, messageId: MessageId, emoji: Emoji }));

export const getMessage = defineRoute({
  id: 'getMessage',
  method: 'GET',
  path,
  tag: 'Messages',
  summary: 'One message as the timeline shows it.',
  params,
  response: Message,
  errors: [403, 404],
});

export const editMessage = defineRoute({
  id: 'editMessage',
  method: 'PATCH',
  path,
  tag: 'Messages',
  summary: 'Rewrites the text of your message; without `mentions` those stay as they are. A media message has no text.',
  params,
  body: t.readonly(t.intersection([t.type({ text: MessageText }), t.partial({ mentions: Mentions })])),
  response: Message,
  errors: [403, 404],
});

export const deleteMessage = defineRoute({
  id: 'deleteMessage',
  method: 'DELETE',
  path,
  tag: 'Messages',
  summary: 'Deletes your message; owners and admins of a group delete any. Its place and `seq` stay, a pin goes.',
  params,
  errors: [403, 404],
});

export const addReaction = defineRoute({
  id: 'addReaction',
  method: 'PUT',
  path: `${path}/reactions/{emoji}`,
  tag: 'Messages',
  summary: 'Puts your reaction on a message: one emoji, or a `:shortcode:`. At most 20 different ones.',
  params: reactionParams,
  errors: [403, 404, 409],
});

export const removeReaction = defineRoute({
  id: 'removeReaction',
  method: 'DELETE',
  path: `${path}/reactions/{emoji}`,
  tag: 'Messages',
  summary: 'Takes your reaction away.',
  params: reactionParams,
  errors: [403, 404],
});

/** Everyone who put an emoji on a message, in the order they did. */
export const Reaction = t.readonly(t.type({ emoji: t.string, userIds: t.readonlyArray(UserId) }));
export type Reaction = t.TypeOf<typeof Reaction>;

export const listReactions = defineRoute({
  id: 'listReactions',
  method: 'GET',
  path: `${path}/reactions`,
  tag: 'Messages',
  summary: 'All reactions to a message, the emoji that was there first first.',
  params,
  response: t.readonlyArray(Reaction),
  errors: [403, 404],
});

export const getMessageThread = defineRoute({
  id: 'getMessageThread',
  method: 'GET',
  path: `${path}/thread`,
  tag: 'Messages',
  summary: 'The replies in the thread of a message, newest first: the newest ones, or those `before` one of them.',
  params,
  query: t.partial({ before: MessageId, limit: intParam(1, LARGEST_PAGE) }),
  response: t.readonlyArray(Message),
  errors: [403, 404],
});

export const pinMessage = defineRoute({
  id: 'pinMessage',
  method: 'PUT',
  path: `${path}/pin`,
  tag: 'Messages',
  summary: 'Pins a message to its room. A room takes 50 pins.',
  params,
  errors: [403, 404, 409],
});

export const unpinMessage = defineRoute({
  id: 'unpinMessage',
  method: 'DELETE',
  path: `${path}/pin`,
  tag: 'Messages',
  summary: 'Takes the pin of a message away.',
  params,
  errors: [403],
});

export const listPins = defineRoute({
  id: 'listPins',
  method: 'GET',
  path: '/api/rooms/{roomId}/pins',
  tag: 'Messages',
  summary: 'The pinned messages of a room, the one pinned last first.',
  params: t.readonly(t.type({ roomId: RoomId })),
  response: t.readonlyArray(Message),
  errors: [403],
});

export const messageRoutes: readonly Route[] = [
  getMessage,
  editMessage,
  deleteMessage,
  addReaction,
  removeReaction,
  listReactions,
  getMessageThread,
  pinMessage,
  unpinMessage,
  listPins,
];
