/** A member's report of a message, and what moderators made of it. */
import type { ReportOutcome } from '@tidings/contracts/events/report';
import type { MessageId, ReportId, RoomId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { messageReported, type ReportEvent, reportResolved } from './events.ts';
import type { State } from './state.ts';
import { reportIdOf } from './stream.ts';

export type Command =
  | {
      readonly type: 'ReportMessage';
      readonly roomId: RoomId;
      readonly messageId: MessageId;
      /** Who wrote it; null when the reporter sees no such message in this room. */
      readonly senderId: UserId | null;
      readonly reportedBy: UserId;
      readonly reason: string;
      readonly isMember: boolean;
    }
  | { readonly type: 'ResolveReport'; readonly reportId: ReportId; readonly by: UserId; readonly outcome: ReportOutcome };

export type Rejection =
  | { readonly type: 'NotAMember'; readonly userId: UserId }
  | { readonly type: 'NoSuchMessage'; readonly messageId: MessageId }
  | { readonly type: 'OwnMessage' }
  | { readonly type: 'NoSuchReport'; readonly reportId: ReportId }
  | { readonly type: 'ReportClosed'; readonly outcome: ReportOutcome };

export const decide = (command: Command, state: State): Either<Rejection, readonly ReportEvent[]> => {
  switch (command.type) {
    case 'ReportMessage': {
      const { roomId, messageId, senderId, reportedBy, reason } = command;
      // First, so that a retry is answered alike; a second reason adds nothing, also once moderators have seen the first.
      if (state.kind !== 'none') return state.about.roomId === roomId ? right([]) : left({ type: 'NoSuchMessage', messageId });
      if (!command.isMember) return left({ type: 'NotAMember', userId: reportedBy });
      if (senderId === null) return left({ type: 'NoSuchMessage', messageId });
      if (senderId === reportedBy) return left({ type: 'OwnMessage' });
      const reportId = reportIdOf(messageId, reportedBy);
      return right([messageReported({ reportId, roomId, messageId, senderId, reportedBy, reason })]);
    }
    case 'ResolveReport': {
      const { reportId, by, outcome } = command;
      if (state.kind === 'none') return left({ type: 'NoSuchReport', reportId });
      if (state.kind === 'open') return right([reportResolved({ reportId, by, outcome })]);
      return state.outcome === outcome ? right([]) : left({ type: 'ReportClosed', outcome: state.outcome });
    }
  }
};
