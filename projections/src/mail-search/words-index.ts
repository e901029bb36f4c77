/** Words in an index beside Postgres: an entry for each email that a mailbox holds in a thread. */
import { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { MailPlace } from '@tidings/contracts/ports/mail-search';
import type { WordIndex, WordPlace } from '@tidings/contracts/ports/word-index';
import { FIRST_INDEXED, IndexPage, indexOf, indexTable, whatIndexLacks } from '../search-words/index-page.ts';
import { cameAt } from '../threads/fold.ts';
import { type HeldMail, type KeptWords, worded } from './kept-words.ts';

/** The second way in which they are laid out there. */
const VERSION = FIRST_INDEXED + 1;

export const wordsInIndex = (index: WordIndex): KeptWords => {
  const made = new Set<string>();
  return {
    version: VERSION,
    tables: indexTable,
    indexes: () => '',
    page: (tx) => {
      const page = new IndexPage(index, tx, made);
      return {
        save: async (filed, wordsOf) => {
          for await (const some of worded(filed, wordsOf)) {
            for (const { event, words } of some) {
              const { mailboxId, threadId } = event.data;
              const tie = tieOf(event.data);
              await page.put(event.position, { id: tie, tie, at: cameAt(event), keys: [mailboxId, threadId], words });
            }
          }
        },
        forget: async (held, position) => {
          for (const one of held) await page.remove(position, tieOf(one));
        },
        close: () => Promise.resolve(), // each email is forgotten by itself
        end: () => page.end(),
      };
    },
    removeRetired: (schemas) => index.remove(schemas.map(indexOf)),
    whatIsMissing: (schema, db) => whatIndexLacks(index, 'email', schema, db),
  };
};

/** The order of places within an instant. */
const tieOf = ({ emailId, mailboxId, threadId }: HeldMail): string => `${emailId}.${mailboxId}.${threadId}`;

export const wordPlace = (place: MailPlace): WordPlace => ({ at: place.at, tie: tieOf(place) });

/** @throws when it is no tie of ours */
export const mailPlace = ({ at, tie }: WordPlace): MailPlace => {
  const [emailId, mailboxId, threadId] = tie.split('.');
  if (!EmailId.is(emailId) || !MailboxId.is(mailboxId) || !ThreadId.is(threadId)) throw new Error(`the search index gave a place "${tie}"`);
  return { at, emailId, mailboxId, threadId };
};
