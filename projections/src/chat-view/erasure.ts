/** Erasing someone from read models that show what was written: the same for stored entries and for events already rendered. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { MsgBody } from '@tidings/contracts/http/chat-objects';
import type { UserId } from '@tidings/contracts/ids';
import { withoutQuoteOf } from './hidden.ts';
import { ERASED_NAME } from './people.ts';

export interface Segment<Event extends Recorded> {
  readonly events: readonly Event[];
  /** Whoever is erased behind them; null at the end of the page. */
  readonly erased: UserId | null;
}

/** Cuts a page behind each erasure: it is of what came before, so that must be written first. */
export const segmentsOf = <Event extends Recorded>(page: readonly Event[]): readonly Segment<Event>[] => {
  const segments: Segment<Event>[] = [];
  let from = 0;
  for (const [at, event] of page.entries()) {
    if (!isErasure(event)) continue;
    segments.push({ events: page.slice(from, at + 1), erased: event.data.userId });
    from = at + 1;
  }
  return from < page.length ? [...segments, { events: page.slice(from), erased: null }] : segments;
};

const isErasure = (event: Recorded): event is Recorded<SubjectErased> => event.type === 'SubjectErased';

/** A body by somebody else, or a change of the room, without what it tells of the erased. */
export const withoutErased = (body: MsgBody, erased: UserId): MsgBody => {
  if (!('related_user' in body)) return withoutQuoteOf(body, new Set([erased]));
  if (body.related_user.id !== erased) return body;
  return { ...body, related_user: { ...body.related_user, displayName: ERASED_NAME, profilePicture: null } };
};
