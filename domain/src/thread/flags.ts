/**
 * Archived, spam and trashed are not states of a thread but places of its emails (mail-contract §1, "filing is per mailbox and email").
 * So a flag on a thread expands to moves of the emails that it concerns.
 */
import type { Place } from '@tidings/contracts/events/thread';
import type { EmailId } from '@tidings/contracts/ids';
import type { HeldEmail } from './state.ts';

/** What to change; what is left out stays as it is. */
export interface Flags {
  readonly starred?: boolean | undefined;
  readonly archived?: boolean | undefined;
  readonly spam?: boolean | undefined;
  readonly trashed?: boolean | undefined;
}

export interface Move {
  readonly place: Place;
  readonly emailIds: readonly EmailId[];
}

/** The moves that `set` asks of these emails, one per place; none for emails that are there already. */
export const movesFor = (emails: readonly HeldEmail[], set: Flags): readonly Move[] =>
  DESTINATIONS.map((place) => ({
    place,
    emailIds: emails.filter((email) => email.place !== place && destination(email, set) === place).map(({ emailId }) => emailId),
  })).filter(({ emailIds }) => emailIds.length > 0);

const DESTINATIONS: readonly Place[] = ['inbox', 'sent', 'archive', 'spam', 'trash'];

/** First what is taken back, then what is set, the strongest last: trash wins over spam, spam over the archive. */
const destination = ({ direction, place: from }: HeldEmail, set: Flags): Place => {
  if (from === 'drafts') return from; // a draft is discarded or sent, never put away
  const home = direction === 'in' ? 'inbox' : 'sent';
  const takenBack =
    (set.trashed === false && from === 'trash') ||
    (set.spam === false && from === 'spam') ||
    (set.archived === false && from === 'archive');
  const at = takenBack ? home : from;
  if (set.trashed === true || at === 'trash') return 'trash';
  if (set.spam === true || at === 'spam') return 'spam';
  return set.archived === true && at === 'inbox' ? 'archive' : at;
};
