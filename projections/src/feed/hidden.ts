/**
 * What blocking takes from the feed, for the one who blocks, while it lasts (chat-contract §6): messages of the blocked keep their place with
 * nothing in it, and what the blocked change or react with is not told at all. Everyone else is told as ever, by the same bytes.
 */
import type { LiveEvent } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import { withoutBlocked, withoutQuoteOf } from '../chat-view/index.ts';
import { withoutWords } from './amend.ts';
import type { FeedEntry } from './queries.ts';

/** An entry of `entriesFor` as its reader is told it; null when they are not. */
export const toldOf = ({ type, payload: now, blocked, outlived }: FeedEntry): string | null => {
  const payload = outlived ? withoutWords(now) : now;
  return blocked.length === 0 ? payload : withoutBlockedIn(type, payload, new Set(blocked));
};

/** An entry's JSON as someone is told it who blocks these; null when they are not. The very same string when nothing is hidden. */
export const withoutBlockedIn = (type: string, payload: string, blocked: ReadonlySet<UserId>): string | null => {
  if (!CARRIES_WORDS.has(type) || !names(payload, blocked)) return payload;
  const event = JSON.parse(payload) as CarriesWords; // as `tell` wrote it
  switch (event.type) {
    case 'ChatMessage': {
      const message = withoutBlocked(event.message, blocked);
      if (message === event.message) return payload;
      if (message.hidden !== true) return JSON.stringify({ ...event, message });
      const { roomPreviewText: preview } = event;
      const sender_username = 'sender_username' in preview ? preview.sender_username : '';
      return JSON.stringify({ ...event, message, roomPreviewText: { type: 'Text', sender_username, text: '' } } satisfies LiveEvent);
    }
    case 'MessageEdited': {
      if (blocked.has(event.senderId)) return null;
      const msgBody = withoutQuoteOf(event.msgBody, blocked);
      return msgBody === event.msgBody ? payload : JSON.stringify({ ...event, msgBody });
    }
    case 'ReactionChanged':
      return blocked.has(event.userId) ? null : payload;
  }
};

type CarriesWords = Extract<LiveEvent, { readonly type: 'ChatMessage' | 'MessageEdited' | 'ReactionChanged' }>;
const CARRIES_WORDS: ReadonlySet<string> = new Set<CarriesWords['type']>(['ChatMessage', 'MessageEdited', 'ReactionChanged']);

/** Whether any of them may stand in it: spares parsing what is of others. */
const names = (payload: string, users: ReadonlySet<UserId>): boolean => {
  for (const user of users) if (payload.includes(user)) return true;
  return false;
};
