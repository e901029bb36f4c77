import { expect, it } from 'vitest';
import { type Brought, broughtAs, type Known } from './bring.ts';

const plain: Known = {
  ...{ folder: '', use: [], isGuess: false, labels: null, tags: [], seen: null, flagged: null },
  ...{ answered: false, forwarded: false, draft: false, deleted: false },
};
const inbox: Brought = { place: 'inbox', direction: 'in', keywords: { $seen: true }, starred: false, labels: [] };

it.each<[string, Partial<Known>, boolean, Partial<Brought>]>([
  ['a mail by itself is in the inbox, and read', {}, false, {}],
  ['unread where it was, it is unread here', { seen: false }, false, { keywords: { $seen: false } }],
  ['our own was sent', {}, true, { place: 'sent', direction: 'out' }],
  ['our own is read, whatever was noted', { seen: false }, true, { place: 'sent', direction: 'out' }],
  ['to ourselves it is in the inbox', { folder: 'INBOX' }, true, {}],
  [
    'flags come along',
    { flagged: true, answered: true, forwarded: true },
    false,
    { keywords: { $seen: true, $flagged: true, $answered: true, $forwarded: true }, starred: true },
  ],
  [
    'a folder is a label, and what is in it put away',
    { folder: 'Travaux/Écoles' },
    false,
    { place: 'archive', labels: ['Travaux/Écoles'] },
  ],
  ['a file’s name is a place or nothing', { folder: 'takeout', isGuess: true }, false, {}],
  ['a file’s name is a place', { folder: 'Sent', isGuess: true }, false, { place: 'sent', direction: 'out' }],
  ['what the server says of a folder counts', { folder: 'Papierkorb', use: ['\\Trash'] }, false, { place: 'trash' }],
  ['deleted is trash', { deleted: true }, false, { place: 'trash' }],
  ['a draft is one', { draft: true }, true, { place: 'drafts', direction: 'out' }],
  ['tags are labels', { tags: ['Travaux'] }, false, { labels: ['Travaux'] }],
  [
    'Gmail: in the inbox, starred, labelled',
    { labels: ['Inbox', 'Starred', 'Important', 'Travaux/Écoles'] },
    false,
    { keywords: { $seen: true, $flagged: true }, starred: true, labels: ['Travaux/Écoles'] },
  ],
  [
    'Gmail: without its inbox it is put away',
    { labels: ['Opened', 'Travaux'], folder: 'All mail' },
    false,
    { place: 'archive', labels: ['Travaux'] },
  ],
  ['Gmail: trash wins', { labels: ['Inbox', 'Trash'] }, false, { place: 'trash' }],
  ['Gmail: sent', { labels: ['Sent', 'Opened'] }, true, { place: 'sent', direction: 'out' }],
  [
    'our own export: the star is the thread’s, the flag the mail’s',
    { labels: ['Inbox', 'Starred'], flagged: false },
    false,
    { starred: true },
  ],
  ['our own export: the other way round', { labels: ['Inbox'], flagged: true }, false, { keywords: { $seen: true, $flagged: true } }],
])('%s', (_, known, isOwn, brought) => {
  expect(broughtAs({ ...plain, ...known }, isOwn)).toEqual({ ...inbox, ...brought });
});
