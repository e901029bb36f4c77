/**
 * Finding messages by their words. Behind it: Postgres full text by default, OpenSearch when it is outgrown (docs/decisions/019). The
 * port answers with places only: what a message looks like is the timeline's to say. Who may see what is decided behind it, because the list
 * of a busy person's rooms is too long to go with each question.
 */
import type { MessageId, RoomId, UserId } from '../ids.ts';
import type { Timestamp } from '../time.ts';

/** Words that stand next to each other, folded as the index folds them; one word is a phrase of its own. */
export interface SearchTerm {
  readonly words: readonly string[];
  /** The last of the words may be the beginning of a longer one. */
  readonly prefix: boolean;
}

/** What was typed, understood: all of `all` (at least one), none of `none`. */
export interface SearchQuery {
  readonly all: readonly SearchTerm[];
  readonly none: readonly SearchTerm[];
}

/** Where a message stands among all: by time, and within one instant by room and place in it. */
export interface MessagePlace {
  readonly createdAt: Timestamp;
  readonly roomId: RoomId;
  readonly seq: number;
}

export interface MessageHit extends MessagePlace {
  readonly messageId: MessageId;
}

export interface MessageQuestion {
  readonly query: SearchQuery;
  /** Finds only what they may see: in rooms they are in, and from where on they may read them. */
  readonly searcher: UserId;
  /** Only in this room. */
  readonly room: RoomId | null;
  /** Only what this one wrote. */
  readonly from: UserId | null;
  /** Nothing that these wrote. */
  readonly notFrom: readonly UserId[];
  /** Only what was sent earlier. */
  readonly before: Timestamp | null;
  /** The last hit of the page before. */
  readonly after: MessagePlace | null;
  readonly limit: number;
}

export interface MessageSearch {
  /** Up to `limit` hits, newest first; the same question finds the same until something is written. */
  find(question: MessageQuestion): Promise<readonly MessageHit[]>;
}
