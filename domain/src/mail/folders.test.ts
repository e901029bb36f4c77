import { expect, it } from 'vitest';
import { folderMeaning } from './folders.ts';

const place = (name: string) => ({ place: name, label: null, starred: false });
const label = (name: string) => ({ place: null, label: name, starred: false });

it.each([
  ['INBOX', place('inbox')],
  ['Boîte de réception', place('inbox')],
  ['Sent', place('sent')],
  ['Sent Items', place('sent')],
  ['INBOX/Sent', place('sent')],
  ['Éléments envoyés', place('sent')],
  ['Messages envoye\u0301s', place('sent')],
  ['Verzonden items', place('sent')],
  ['[Gmail]/Corbeille', place('trash')],
  ['Prullenbak', place('trash')],
  ['Junk', place('spam')],
  ['Courrier indésirable', place('spam')],
  ['Ongewenste e-mail', place('spam')],
  ['Brouillons', place('drafts')],
  ['Concepten', place('drafts')],
  ['[Gmail]/All Mail', place('archive')],
  ['Archief', place('archive')],
  ['', place('inbox')],
  ['[Gmail]/Starred', { place: null, label: null, starred: true }],
  ['[Gmail]/Important', { place: null, label: null, starred: false }],
  ['Category Updates', { place: null, label: null, starred: false }],
  ['Travaux', label('Travaux')],
  ['Travaux/Écoles', label('Travaux/Écoles')],
  ['INBOX/Travaux / Écoles', label('Travaux/Écoles')],
  ['Travaux/Sent', label('Travaux/Sent')],
  ['Archive/2019', label('Archive/2019')],
])('the folder %s', (name, meaning) => {
  expect(folderMeaning(name)).toEqual(meaning);
});

it('is what the server says, whatever its name', () => {
  expect(folderMeaning('Gesendet', ['\\HasNoChildren', '\\Sent'])).toEqual(place('sent'));
  expect(folderMeaning('Alles', ['\\All'])).toEqual(place('archive'));
  expect(folderMeaning('Sterne', ['\\Flagged'])).toEqual({ place: null, label: null, starred: true });
});
