/** What a mail from elsewhere is here: where it lies, whose it is, and how it is marked. */
import type { EmailFiled, Keywords, Place } from '@tidings/contracts/events/thread';
import { folderMeaning, type FolderMeaning } from '../mail/folders.ts';

/** What is known of it from where it was. */
export interface Known {
  /** `/` between its steps; empty when it was in none. */
  readonly folder: string;
  /** SPECIAL-USE attributes of the folder. */
  readonly use: readonly string[];
  /** The folder's name is a guess (a file's name, say): it may be a place, never a label. */
  readonly isGuess: boolean;
  /** As Gmail has them, the places among them; null where there are none. */
  readonly labels: readonly string[] | null;
  /** Words that its program put on it. */
  readonly tags: readonly string[];
  /** Null when nobody noted: old mail was read. */
  readonly seen: boolean | null;
  /** Null when nobody noted: then a star says so. */
  readonly flagged: boolean | null;
  readonly answered: boolean;
  readonly forwarded: boolean;
  readonly draft: boolean;
  readonly deleted: boolean;
}

export interface Brought {
  readonly place: Place;
  readonly direction: EmailFiled['data']['direction'];
  readonly keywords: Keywords;
  /** Its thread gets a star. */
  readonly starred: boolean;
  /** Names of labels. */
  readonly labels: readonly string[];
}

/** Of several places the one that says most. */
const FIRST: readonly Place[] = ['trash', 'spam', 'drafts', 'inbox', 'sent', 'archive'];

/**
 * @param isOwn whether the mailbox itself wrote it
 */
export const broughtAs = (known: Known, isOwn: boolean): Brought => {
  const { labels } = known;
  const meanings =
    labels === null
      ? [folderMeaning(known.folder, known.use)].map((one) => withoutGuess(known, one))
      : labels.map((label) => folderMeaning(label));
  const place = placeOf(known, meanings, isOwn);
  const direction = place === 'sent' || place === 'drafts' || (isOwn && place !== 'inbox' && place !== 'spam') ? 'out' : 'in';
  const hasStar = meanings.some(({ starred }) => starred);
  const flagged = known.flagged ?? hasStar;
  const seen = known.seen ?? true;
  return {
    place,
    direction,
    keywords: {
      $seen: direction === 'out' || seen,
      ...(flagged ? { $flagged: true } : {}),
      ...(known.answered ? { $answered: true } : {}),
      ...(known.forwarded ? { $forwarded: true } : {}),
    },
    starred: hasStar || (labels === null && flagged),
    labels: [...new Set([...meanings.flatMap(({ label }) => label ?? []), ...known.tags])],
  };
};

const withoutGuess = ({ isGuess }: Known, meaning: FolderMeaning): FolderMeaning =>
  isGuess && meaning.label !== null ? { ...meaning, label: null } : meaning;

const placeOf = ({ folder, labels, draft, deleted }: Known, meanings: readonly FolderMeaning[], isOwn: boolean): Place => {
  const places = new Set(meanings.flatMap(({ place }) => place ?? []));
  const found = FIRST.find((place) => places.has(place));
  if (found === 'trash' || found === 'spam') return found;
  if (deleted) return 'trash';
  if (draft) return 'drafts';
  // A file or message by itself is in no folder: `folderMeaning` then says inbox, but what we wrote ourselves we had sent.
  if (found === 'inbox' && labels === null && folder === '' && isOwn) return 'sent';
  if (found !== undefined) return found;
  if (isOwn) return 'sent';
  // In a folder of its own, or labelled and not in Gmail's inbox: put away.
  return labels !== null || meanings.some(({ label }) => label !== null) ? 'archive' : 'inbox';
};
