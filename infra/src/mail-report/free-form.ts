/** Bounces in words for people (qmail, Exim, Exchange and many more). What they have in common is data in `rules.ts`. */
import { bounded, splitParagraphs } from './paragraphs.ts';
import type { RecipientFate } from './report.ts';
import { BOUNCES, COPIES, DELAYS } from './rules.ts';
import { codeIn, meaningOf, replyOf } from './words.ts';

export interface FreeForm {
  readonly subject: string;
  readonly text: string;
  /** `X-Failed-Recipients`, as Exim and Gmail write it. */
  readonly failed: readonly string[];
}

/** Empty for what is no bounce, such as the answer of somebody who is away. */
export const fatesInWords = ({ subject, text, failed }: FreeForm): readonly RecipientFate[] => {
  const words = withoutCopy(bounded(text));
  const isBounce = failed.length > 0 || BOUNCES.some((rule) => rule.words.test(rule.in === 'subject' ? subject : words));
  if (!isBounce) return [];
  const fate = DELAYS.some((delay) => delay.test(words) || delay.test(subject)) ? ('delayed' as const) : ('failed' as const);
  const known = codeIn(words) ?? meaningOf(`${words} ${subject}`);
  const named = [...new Set([...failed, ...addressesIn(words)])];
  const about = (recipient: string): RecipientFate => {
    const reply = reasonFor(recipient, words);
    return { recipients: [recipient], fate, enhancedCode: consistent(meaningOf(reply) ?? known, fate), reply: replyOf(reply), host: null };
  };
  if (named.length > 0) return named.map(about);
  return [{ recipients: [], fate, enhancedCode: consistent(known, fate), reply: replyOf(words), host: null }];
};

const withoutCopy = (text: string): string => {
  const starts = COPIES.map((copy) => copy.exec(text)?.index ?? -1).filter((at) => at > 0);
  return text.slice(0, Math.min(text.length, ...starts));
};

const MOST_ADDRESSES = 100;
const ADDRESS = /[^\s<>"'(),:;[\]=]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,10}[\p{L}\p{N}-]{2,63}/gu;

const addressesIn = (words: string): readonly string[] => [...words.matchAll(ADDRESS)].slice(0, MOST_ADDRESSES).map(([found]) => found);

/** The paragraph that names it first, and the next one where that says nothing else. */
const reasonFor = (recipient: string, words: string): string => {
  const paragraphs = splitParagraphs(words);
  const at = paragraphs.findIndex((paragraph) => paragraph.includes(recipient));
  if (at < 0) return words;
  const own = paragraphs[at] ?? '';
  const from = own.slice(Math.max(0, own.lastIndexOf('\n', own.indexOf(recipient)) + 1));
  const saysMore = from.replace(recipient, '').replaceAll(/[\s<>:;,.()-]/g, '').length > 10;
  return saysMore ? from : [from, ...paragraphs.slice(at + 1, at + 3)].join('\n');
};

/** A code of another class than what became of it would contradict it (RFC 3463 §3.1). */
const consistent = (code: string | null, fate: 'failed' | 'delayed'): string | null => {
  if (code === null) return null;
  return `${fate === 'failed' ? '5' : '4'}${code.slice(1)}`;
};
