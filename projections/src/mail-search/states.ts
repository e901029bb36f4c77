/**
 * What may become of a mail, in a few states: where it lies, whether it is unread, whether it is starred. The emails of each state are a stretch of an
 * index, newest first, so whatever a query says of them is a few short walks, and nothing that it leaves out is looked at.
 */
import { type Place, places } from '@tidings/contracts/events/thread';
import type { MailCondition, MailQuery } from '@tidings/contracts/mail-query/ast';

export interface State {
  readonly place: Place;
  readonly unread: boolean;
  readonly starred: boolean;
}

const allStates: readonly State[] = places.flatMap((place) =>
  [true, false].flatMap((unread) => [true, false].map((starred) => ({ place, unread, starred }))),
);

export interface Allowed {
  /** Those that an email found may be in. */
  readonly states: readonly State[];
  /** Whether every email in them is found, since the query asks for nothing else. */
  readonly areAll: boolean;
  /** Whether they are just the emails that are neither spam nor trash. */
  readonly areMain: boolean;
}

/** @param aside whether the state's place is left out unless it is asked for */
export const allowedStates = (query: MailQuery, aside: ReadonlySet<Place>): Allowed => {
  const main = allStates.filter(({ place }) => place !== 'spam' && place !== 'trash');
  const judged = allStates.filter(({ place }) => !aside.has(place)).map((state) => ({ state, holds: holdsIn(query, state) }));
  const states = judged.filter(({ holds }) => holds !== false).map(({ state }) => state);
  return {
    states,
    areAll: judged.every(({ holds }) => holds !== null),
    areMain: states.length === main.length && states.every((state) => main.includes(state)),
  };
};

/** Null: the state does not tell. */
const holdsIn = (query: MailQuery, state: State): boolean | null => {
  if (query.kind === 'not') {
    const inner = holdsIn(query.query, state);
    return inner === null ? null : !inner;
  }
  if (query.kind !== 'all' && query.kind !== 'any') return meets(query, state);
  const decides = query.kind === 'any';
  const parts = query.of.map((part) => holdsIn(part, state));
  if (parts.includes(decides)) return decides;
  return parts.includes(null) ? null : !decides;
};

const meets = (condition: MailCondition, { place, unread, starred }: State): boolean | null => {
  if (condition.kind === 'in') {
    if (condition.view === 'all') return place !== 'spam' && place !== 'trash';
    return condition.view === 'starred' ? starred : place === condition.view;
  }
  if (condition.kind !== 'is') return null;
  if (condition.state === 'starred') return starred;
  if (condition.state === 'unread') return unread;
  return condition.state === 'read' ? !unread : null;
};
