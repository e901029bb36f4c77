/** Words and what is asked of them in the text form of Postgres' full text search: `tsvector` and `tsquery`. */
import type { RunPart, WordQuery, Words } from '@tidings/contracts/ports/word-index';

export const tsvector = (words: Words): string =>
  [...words].map(([word, places]) => `${quoted(word)}${places.length === 0 ? '' : `:${places.join(',')}`}`).join(' ');

export const tsquery = (query: WordQuery | RunPart): string => {
  switch (query.kind) {
    case 'word':
      return quoted(query.word);
    case 'beginning':
      return `${quoted(query.word)}:*`;
    case 'run':
      return joined(query.of, '<->');
    case 'all':
      return joined(query.of, '&');
    case 'any':
      return joined(query.of, '|');
    case 'not':
      return `!(${tsquery(query.query)})`;
  }
};

const joined = (queries: readonly (WordQuery | RunPart)[], operator: string): string => {
  const texts = queries.map(tsquery);
  return texts.length === 1 ? (texts[0] ?? '') : `(${texts.join(operator)})`;
};

const quoted = (word: string): string => (MARK.test(word) ? `'${word.replaceAll(/['\\]/g, (mark) => mark + mark)}'` : `'${word}'`);
const MARK = /['\\]/;
