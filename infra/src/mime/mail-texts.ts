/** `MailTexts` from the blobs that filing stored. */
import { BlobNotFound, type BlobStore } from '@tidings/contracts/ports/blob-store';
import type { MailText, MailTexts } from '@tidings/contracts/ports/mail-search';
import { readBodies, type StoredBodies } from './stored-bodies.ts';

export const mailTexts = (blobs: Pick<BlobStore, 'read'>): MailTexts => ({
  read: async (id) => {
    try {
      return searchedText(await readBodies(blobs, id));
    } catch (thrown) {
      if (thrown instanceof BlobNotFound) return null;
      throw thrown;
    }
  },
});

/** Searched is what a reader of plain text is shown (RFC 8621 §4.1.4): of two versions of one text, the one without markup. */
export const searchedText = ({ details, bodies }: StoredBodies): MailText => ({
  body: details.textBody
    .map(({ partId, type }) => {
      const value = bodies[partId]?.value ?? '';
      return type === 'text/html' ? withoutMarkup(value) : value;
    })
    .join('\n'),
  files: details.attachments.flatMap(({ name }) => (name === null ? [] : [name])),
  bcc: details.bcc,
});

/** Of HTML that was sanitised before, so tags are whole and nothing in it is a script: quick, because every replay does it for every mail. */
const withoutMarkup = (html: string): string =>
  html
    .replaceAll(/<\/?(?:b|i|u|em|strong|span|a|font|small|mark|sub|sup)(?:\s[^>]*)?>/gi, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&(#\d{1,7}|\w{1,8});/g, (whole, name: string) => character(name) ?? whole);

/** What the sanitiser writes; other entities it has turned into characters. */
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', apos: "'" };
const character = (name: string): string | undefined => {
  if (!name.startsWith('#')) return ENTITIES[name];
  const code = Number(name.slice(1));
  return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : undefined;
};
