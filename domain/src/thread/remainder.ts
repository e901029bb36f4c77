/** What lists show of the emails that are left of a thread. */
import type { Address, EmailContent } from '@tidings/contracts/events/email';
import type { Place, Remainder } from '@tidings/contracts/events/thread';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';

/** Enough to know a conversation by, as in the thread view. */
const MOST_PARTICIPANTS = 20;

/** In the order they were filed; null when there are none. What is erased says nothing. */
export const remainderOf = (emails: readonly { readonly place: Place; readonly content: Sealed<EmailContent> }[]): Remainder | null => {
  if (emails.length === 0) return null;
  const shown = emails.filter(({ place }) => place !== 'spam' && place !== 'trash');
  const contentOf = ({ content }: (typeof emails)[number]): readonly EmailContent[] => (isShredded(content) ? [] : [content]);
  const contents = emails.flatMap(contentOf);
  return {
    snippet: (shown.length > 0 ? shown : emails).flatMap(contentOf).at(-1)?.preview ?? '',
    participants: contents.flatMap(({ from }) => from).reduce(joined, []),
    hasAttachments: contents.some(({ hasAttachments }) => hasAttachments),
  };
};

const joined = (known: readonly Address[], { name, email }: Address): readonly Address[] =>
  known.length >= MOST_PARTICIPANTS || known.some((one) => isSame(one, name, email)) ? known : [...known, { name, email }];

/** Someone without an address is known by name. */
const isSame = (one: Address, name: string | null, email: string): boolean =>
  one.email.toLowerCase() === email.toLowerCase() && (email !== '' || one.name === name);
