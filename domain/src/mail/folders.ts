/**
 * What folders of other systems are here (RFC 6154, and the names that mail programs and Gmail give in English, French and Dutch): a place of
 * the mailbox, or else a label.
 */
import type { Place } from '@tidings/contracts/events/thread';

export interface FolderMeaning {
  /** Null: it says nothing of that. */
  readonly place: Place | null;
  /** The label that it is, `a/b` nested; null when it is none. */
  readonly label: string | null;
  /** What is in it is starred. */
  readonly starred: boolean;
}

/** By SPECIAL-USE attribute (RFC 6154 §2), in lower case. */
const byUse: Readonly<Record<string, FolderMeaning>> = {
  '\\inbox': at('inbox'),
  '\\sent': at('sent'),
  '\\trash': at('trash'),
  '\\junk': at('spam'),
  '\\drafts': at('drafts'),
  '\\archive': at('archive'),
  '\\all': at('archive'),
  '\\flagged': { place: null, label: null, starred: true },
  '\\important': { place: null, label: null, starred: false },
};

function at(place: Place): FolderMeaning {
  return { place, label: null, starred: false };
}

const NAMES: readonly (readonly [Place, readonly string[]])[] = [
  ['inbox', ['inbox', 'boite de reception', 'courrier entrant', 'postvak in', 'inkomend']],
  [
    'sent',
    [
      ...['sent', 'sent mail', 'sent items', 'sent messages', 'envoyes', 'elements envoyes', 'messages envoyes', 'courrier envoye'],
      ...['verzonden', 'verzonden items', 'verzonden berichten'],
    ],
  ],
  [
    'trash',
    [
      ...['trash', 'bin', 'deleted', 'deleted items', 'deleted messages', 'corbeille', 'elements supprimes', 'messages supprimes'],
      ...['prullenbak', 'verwijderd', 'verwijderde items', 'verwijderde berichten'],
    ],
  ],
  [
    'spam',
    [
      'spam',
      'junk',
      'junk mail',
      'junk e-mail',
      'bulk mail',
      'pourriel',
      'courrier indesirable',
      'indesirables',
      'ongewenst',
      'ongewenste e-mail',
      'ongewenste reclame',
    ],
  ],
  ['drafts', ['draft', 'drafts', 'brouillon', 'brouillons', 'concept', 'concepten']],
  ['archive', ['archive', 'archives', 'archived', 'all mail', 'tous les messages', 'archief', 'alle berichten', 'alle e-mail']],
];
const placeNamed: ReadonlyMap<string, Place> = new Map(NAMES.flatMap(([place, names]) => names.map((name) => [name, place] as const)));

/** Gmail's own marks, as its labels and its IMAP folders call them; they say nothing that we keep as a label. */
const STARRED: ReadonlySet<string> = new Set(['starred', 'suivis', 'messages suivis', 'met ster']);
const NOT_KEPT: ReadonlySet<string> = new Set([
  ...['important', 'opened', 'unread', 'chat', 'chats', 'category', 'ouvert', 'non lus', 'belangrijk', 'geopend', 'ongelezen'],
]);
const isCategory = (name: string): boolean => /^(category|categorie) [a-z]/.test(name);

/** Case and accents do not matter, nor how its words are joined. */
const folded = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase()
    .replaceAll(/[\s_]+/g, ' ')
    .trim();

/**
 * @param path with `/` between its steps, whatever the server has there
 * @param use its SPECIAL-USE attributes
 */
export const folderMeaning = (path: string, use: readonly string[] = []): FolderMeaning => {
  for (const attribute of use) {
    const known = byUse[attribute.toLowerCase()];
    if (known !== undefined) return known;
  }
  const steps = path
    .split('/')
    .map((step) => step.trim())
    .filter((step) => step !== '');
  // `[Gmail]/Sent Mail` and `INBOX/Sent` are what their last step says; below anything else a name is just a name.
  const first = folded(steps[0] ?? '');
  const own = steps.length > 1 && /^(\[(gmail|google mail)\]|inbox)$/.test(first) ? steps.slice(1) : steps;
  const [only, ...more] = own;
  if (only === undefined) return at('inbox');
  if (more.length === 0) {
    const name = folded(only);
    const place = placeNamed.get(name);
    if (place !== undefined) return at(place);
    if (STARRED.has(name)) return { place: null, label: null, starred: true };
    if (NOT_KEPT.has(name) || isCategory(name)) return { place: null, label: null, starred: false };
  }
  return { place: null, label: own.join('/'), starred: false };
};
