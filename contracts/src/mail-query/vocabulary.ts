/** The words of the grammar in English, French and Dutch (reference/collaborative-inbox.md §1.13). Case and accents do not matter. */
import type { View } from '../http/mail-objects.ts';
import type { MailState } from './ast.ts';

export type Modifier =
  | 'from'
  | 'to'
  | 'cc'
  | 'bcc'
  | 'subject'
  | 'body'
  | 'filename'
  | 'has'
  | 'in'
  | 'label'
  | 'is'
  | 'before'
  | 'after'
  | 'on'
  | 'larger'
  | 'smaller';

const modifiers: Readonly<Record<Modifier, string>> = {
  from: 'from de van',
  to: 'to a aan',
  cc: 'cc copie',
  bcc: 'bcc cci',
  subject: 'subject sujet objet onderwerp',
  body: 'body corps tekst',
  filename: 'filename fichier bestand',
  has: 'has contient heeft',
  in: 'in dans',
  label: 'label libelle etiquette',
  is: 'is est',
  before: 'before avant voor',
  after: 'after apres na',
  on: 'on le op',
  larger: 'larger plus-grand groter',
  smaller: 'smaller plus-petit kleiner',
};

const viewNames: Readonly<Record<View, string>> = {
  inbox: 'inbox reception postvak',
  all: 'all tout alles',
  starred: 'starred suivis gemarkeerd gevolgd',
  sent: 'sent envoyes envoye verzonden',
  drafts: 'drafts draft brouillons brouillon concepten',
  archive: 'archive archives archived archivees archief',
  spam: 'spam pourriel ongewenst',
  trash: 'trash corbeille prullenbak',
};

const stateNames: Readonly<Record<MailState, string>> = {
  read: 'read lu gelezen',
  unread: 'unread nonlu non-lu ongelezen',
  starred: 'starred suivi gemarkeerd gevolgd',
  unassigned: 'unassigned non-assigne nonassigne niet-toegewezen',
  'assigned-to-me': 'assigned-to-me assigne-a-moi aan-mij-toegewezen',
};

const attachmentNames = { attachment: 'attachment attachments piece-jointe piecejointe bijlage' };

/** Names by any of their words. */
const byWord = <Name extends string>(words: Readonly<Record<Name, string>>): ReadonlyMap<string, Name> =>
  // The keys of the record are its names, which `Object.entries` forgets.
  new Map((Object.entries(words) as [Name, string][]).flatMap(([name, all]) => all.split(' ').map((word) => [word, name] as const)));

const lookup =
  <Name>(names: ReadonlyMap<string, Name>) =>
  (typed: string): Name | undefined =>
    names.get(plain(typed));

export const modifierOf = lookup(byWord(modifiers));
export const viewOf = lookup(byWord(viewNames));
export const stateOf = lookup(byWord(stateNames));
export const attachmentOf = lookup(byWord(attachmentNames));

const plain = (word: string): string =>
  word
    .normalize('NFKD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase();

/** What may stand behind `in:` and `is:`, in English. */
export const viewWords = Object.keys(viewNames).join(', ');
export const stateWords = Object.keys(stateNames).join(', ');
