/** Words that a contact is found by: those of the name and the address, without case and accents, each with a blank before it. */
export const wordsOf = (name: string | null, email: string): string =>
  ` ${[...new Set([...words(name ?? ''), email, ...words(email)].map(plain))].join(' ')}`;

/** What somebody typed, as `like` patterns over `wordsOf`: each word is the beginning of one. */
export const patternsOf = (typed: string): readonly string[] =>
  typed
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => `% ${plain(word).replace(/[\\%_]/g, '\\$&')}%`);

const words = (text: string): readonly string[] => text.split(/[^\p{L}\p{N}\p{M}]+/u).filter((word) => word !== '');
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();
