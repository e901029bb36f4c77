import type { ThreadId, UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import type { CommentEvent } from './events.ts';

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'posted';
      readonly threadId: ThreadId;
      readonly by: UserId;
      readonly content: Sealed<string>;
      readonly mentions: readonly UserId[];
      readonly postedAt: Timestamp;
    }
  | { readonly kind: 'deleted'; readonly threadId: ThreadId; readonly by: UserId };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: CommentEvent): State => {
  switch (event.type) {
    case 'CommentPosted': {
      const { threadId, by, content, mentions, postedAt } = event.data;
      return { kind: 'posted', threadId, by, content, mentions, postedAt };
    }
    case 'CommentEdited': {
      const { content, mentions } = event.data;
      return state.kind === 'posted' ? { ...state, content, mentions } : state;
    }
    case 'CommentDeleted': {
      const { threadId, by } = event.data;
      return { kind: 'deleted', threadId, by };
    }
    default:
      return state;
  }
};
