/** What is in hand: the recipients that were taken from the queue and are not let go of yet; a bounded number, of each destination and mailbox too. */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { DueRecipient, Wanted } from './due-table.ts';

export type Place = Pick<DueRecipient, 'emailId' | 'recipient'>;

export interface Hand {
  /** False when it is in hand already, or there is no room for it. */
  take(one: DueRecipient): boolean;
  letGo(one: Place): void;
  /** What was tried stays until the table of what is due knows what came of it: up to `told`. */
  over(one: Place, told: Position): void;
  /** The table knows what was told up to here. */
  applied(position: Position): void;
  readonly size: number;
  readonly room: number;
  /** For whoever looks into the table. */
  contents(): Pick<Wanted, 'taken' | 'fullLanes' | 'fullDomains'>;
}

const MOST = 4_000;
const MOST_OF_LANE = 300;
const MOST_OF_DOMAIN = 1_500;

interface Taken extends DueRecipient {
  told: Position | null;
}
interface Lane {
  readonly mailboxId: MailboxId;
  readonly domain: string;
  count: number;
}

export const createHand = (): Hand => {
  const taken = new Map<string, Taken>();
  const lanes = new Map<string, Lane>();
  const domains = new Map<string, number>();

  const count = ({ mailboxId, domain }: DueRecipient, by: 1 | -1): void => {
    const key = laneOf({ mailboxId, domain });
    const lane = lanes.get(key) ?? { mailboxId, domain, count: 0 };
    lane.count += by;
    if (lane.count === 0) lanes.delete(key);
    else lanes.set(key, lane);
    const ofDomain = (domains.get(domain) ?? 0) + by;
    if (ofDomain === 0) domains.delete(domain);
    else domains.set(domain, ofDomain);
  };
  const isFull = (one: DueRecipient): boolean =>
    taken.size >= MOST || (lanes.get(laneOf(one))?.count ?? 0) >= MOST_OF_LANE || (domains.get(one.domain) ?? 0) >= MOST_OF_DOMAIN;

  const letGo = (place: Place): void => {
    const one = taken.get(keyOf(place));
    if (one === undefined) return;
    taken.delete(keyOf(place));
    count(one, -1);
  };

  return {
    take: (one) => {
      const key = keyOf(one);
      if (taken.has(key) || isFull(one)) return false;
      taken.set(key, { ...one, told: null });
      count(one, 1);
      return true;
    },
    letGo,
    over: (place, told) => {
      const one = taken.get(keyOf(place));
      if (one !== undefined) one.told = told;
    },
    applied: (position) => {
      for (const one of taken.values()) if (one.told !== null && one.told <= position) letGo(one);
    },
    get size() {
      return taken.size;
    },
    get room() {
      return MOST - taken.size;
    },
    contents: () => ({
      taken: [...taken.values()],
      fullLanes: [...lanes.values()].filter((lane) => lane.count >= MOST_OF_LANE),
      fullDomains: [...domains].flatMap(([domain, ofIt]) => (ofIt >= MOST_OF_DOMAIN ? [domain] : [])),
    }),
  };
};

const keyOf = ({ emailId, recipient }: { readonly emailId: EmailId; readonly recipient: number }): string => `${emailId} ${recipient}`;
const laneOf = ({ mailboxId, domain }: Pick<DueRecipient, 'mailboxId' | 'domain'>): string => `${mailboxId} ${domain}`;
