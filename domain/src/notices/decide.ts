/** When a user is told by mail of what is said in their rooms. Whoever asks for the same again changes nothing. */
import type { MailPolicy } from '@tidings/contracts/events/notices';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { digestTimesSet, mailPolicySet, type NoticesEvent } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | {
      readonly type: 'SetMailPolicy';
      readonly userId: UserId;
      /** Null: for every room of which they say nothing else. */
      readonly roomId: RoomId | null;
      /** Null: as it is for everybody. */
      readonly policy: MailPolicy | null;
    }
  /** By the link in a mail. Whoever it was given to may only stop the mails of that conversation. */
  | { readonly type: 'Unsubscribe'; readonly userId: UserId; readonly roomId: RoomId }
  | { readonly type: 'SetDigestTimes'; readonly userId: UserId; readonly timeZone: string; readonly times: readonly string[] };

export const MOST_DIGESTS_A_DAY = 24;

export type Rejection = { readonly type: 'NoDigestTimes' } | { readonly type: 'TooManyDigestTimes'; readonly most: number };

export const decide = (command: Command, state: State): Either<Rejection, readonly NoticesEvent[]> => {
  const { userId } = command;
  switch (command.type) {
    case 'SetMailPolicy': {
      const { roomId, policy } = command;
      const was = roomId === null ? state.standard : (state.rooms.get(roomId) ?? null);
      return right(was === policy ? [] : [mailPolicySet({ userId, roomId, policy, by: 'user' })]);
    }
    case 'Unsubscribe': {
      const { roomId } = command;
      return right(state.rooms.get(roomId) === 'never' ? [] : [mailPolicySet({ userId, roomId, policy: 'never', by: 'unsubscribe' })]);
    }
    case 'SetDigestTimes': {
      const { timeZone } = command;
      const times = [...new Set(command.times)].toSorted();
      if (times.length === 0) return left({ type: 'NoDigestTimes' });
      if (times.length > MOST_DIGESTS_A_DAY) return left({ type: 'TooManyDigestTimes', most: MOST_DIGESTS_A_DAY });
      return right(sameValue(state.digest, { timeZone, times }) ? [] : [digestTimesSet({ userId, timeZone, times })]);
    }
  }
};
