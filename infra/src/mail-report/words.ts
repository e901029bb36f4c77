/** What can be read out of sentences: codes, and the sentence itself as it may be shown. */
import { line } from '../mime/text.ts';
import { REASONS } from './rules.ts';

const MAX_REPLY = 1_000;

/** One line, of a length that a person reads. */
export const replyOf = (words: string): string => line(words.replaceAll(/\s+/g, ' '), MAX_REPLY);

/** RFC 3463 §2: `5.1.1`. No address of four numbers is one. */
export const codeIn = (words: string): string | null => /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]\d)/.exec(words)?.[0] ?? null;

/** The code that somebody wrote, else the one that their words mean. */
export const meaningOf = (words: string): string | null =>
  codeIn(words) ?? REASONS.find(({ words: pattern }) => pattern.test(words))?.code ?? null;
