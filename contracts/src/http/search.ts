/** Finding messages, and whom to share something with. */
import * as t from 'io-ts';
import { nullable, text } from '../codec.ts';
import { RoomType } from '../events/room.ts';
import { RoomId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { LARGEST_PAGE } from './chat.ts';
import { Message, pageOf } from './chat-objects.ts';
import { intParam, pageSizeParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const SEARCH_PAGE = 20;

export const FoundMessage = t.readonly(
  t.type({
    roomId: RoomId,
    message: Message,
    /** The part of the text that was found, plain, with `…` where something was left out. */
    snippet: t.string,
  }),
);
export type FoundMessage = t.TypeOf<typeof FoundMessage>;

/** snake_case as ISM has it. */
export const ShareTarget = t.readonly(
  t.type({
    name: nullable(t.string),
    imageUrl: nullable(t.string),
    target: t.union([
      t.readonly(t.type({ kind: t.literal('room'), room_id: RoomId, room_type: RoomType })),
      t.readonly(t.type({ kind: t.literal('user'), user_id: UserId })),
    ]),
  }),
);
export type ShareTarget = t.TypeOf<typeof ShareTarget>;

export const searchMessages = defineRoute({
  id: 'searchMessages',
  method: 'GET',
  path: '/api/messages/search',
  tag: 'Messages',
  summary:
    'Messages of your rooms, newest first, that contain all words of `q`, in any case and with or without accents; the last word may be the beginning of a longer one. `"a phrase"` stands together, `-word` and `-"a phrase"` must not be there. Narrow it by room, by sender (`from`) and by time (`before`). Never messages of people you block.',
  query: t.readonly(
    t.intersection([
      t.type({ q: text(1, 200) }),
      t.partial({ roomId: RoomId, from: UserId, before: Timestamp, cursor: t.string, limit: intParam(1, LARGEST_PAGE) }),
    ]),
  ),
  response: pageOf(FoundMessage),
  errors: [403],
});

export const listShareTargets = defineRoute({
  id: 'listShareTargets',
  method: 'GET',
  path: '/api/rooms/share-targets',
  tag: 'Rooms',
  summary: 'Where you can share something: your rooms, the latest first, then friends you have no private room with, by name.',
  query: t.partial({ name: text(0, 100), cursor: t.string, limit: pageSizeParam(LARGEST_PAGE) }),
  response: pageOf(ShareTarget),
});

export const searchRoutes: readonly Route[] = [searchMessages, listShareTargets];
