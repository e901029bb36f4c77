/** Stream `reaction-<roomId>.<messageId>.<userId>`: what one user has put on one message. */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { MessageId, RoomId, UserId } from '../ids.ts';
import { defineEvent, type EventOf } from './definition.ts';

/**
 * As a person chose it: one emoji, or a `:shortcode:`. Requests are held to that by `Emoji` (contracts/src/emoji.ts); here any short text will
 * do, because which emoji there are is a matter of the Unicode version a node runs with, and an old log must read alike on all of them.
 */
const reaction = t.readonly(t.type({ roomId: RoomId, messageId: MessageId, userId: UserId, emoji: text(1, 64) }));

export const ReactionAdded = defineEvent({ type: 'ReactionAdded', doc: 'A member put a reaction on a message.', data: reaction });
export type ReactionAdded = EventOf<typeof ReactionAdded>;

export const ReactionRemoved = defineEvent({ type: 'ReactionRemoved', doc: 'A member took their reaction away.', data: reaction });
export type ReactionRemoved = EventOf<typeof ReactionRemoved>;

export const reactionEvents = [ReactionAdded, ReactionRemoved] as const;
export type ReactionEvent = EventOf<(typeof reactionEvents)[number]>;
