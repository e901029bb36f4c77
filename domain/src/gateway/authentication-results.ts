/**
 * What another server found of a mail's author (RFC 8601), in our words. Only for headers of servers that are believed: anybody can write one.
 */
import type { Authentication } from '@tidings/contracts/events/email';

export interface ToldResults extends Authentication {
  /** Who says so, in lower case. */
  readonly authservId: string;
}

const CHECKS: Readonly<Record<string, Authentication['spf']>> = { pass: 'pass', fail: 'fail', softfail: 'softfail' };

/**
 * `pass` when DMARC does, or when a signature or SPF passes for the very domain of the author.
 * @param value of `Authentication-Results`, unfolded @param from the author's address
 */
export const alignedResults = (value: string, from: string): ToldResults | null => {
  const [id = '', ...results] = withoutComments(value).split(';');
  const authservId = id.trim().split(/\s+/)[0]?.toLowerCase() ?? '';
  if (authservId === '') return null;
  const domain = from.slice(from.lastIndexOf('@') + 1).toLowerCase();
  const told = results.flatMap((one) => resultOf(one) ?? []);
  const best = (method: string): Authentication['spf'] => {
    const verdicts = told.filter((one) => one.method === method).map(({ verdict }) => verdict);
    return verdicts.includes('pass') ? 'pass' : (verdicts[0] ?? 'none');
  };
  const vouched = told.some(
    ({ method, verdict, domains }) =>
      verdict === 'pass' && (method === 'dkim' || method === 'spf') && domains.some((one) => isAligned(one, domain)),
  );
  const dmarc = best('dmarc');
  const verdict = dmarc === 'pass' || (dmarc === 'none' && vouched) ? 'pass' : dmarc === 'fail' ? 'forged' : 'none';
  return { authservId, spf: best('spf'), dkim: best('dkim'), dmarc, arc: best('arc'), verdict };
};

/** `Received-SPF: pass … envelope-from=…` (RFC 7208 §9.1): passes for who is aligned with its sender. */
export const receivedSpf = (value: string, mailFrom: string, from: string): Authentication => {
  const spf = CHECKS[/^\s*([a-z]+)/i.exec(value)?.[1]?.toLowerCase() ?? ''] ?? 'none';
  const aligned = isAligned(domainOf(mailFrom), domainOf(from));
  return { spf, dkim: 'none', dmarc: 'none', arc: 'none', verdict: spf === 'pass' && aligned ? 'pass' : 'none' };
};

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();

/** The very domain: which others belong to the same organisation takes a list of registries, and a server that has one says `dmarc`. */
const isAligned = (one: string, author: string): boolean => one !== '' && one === author;

interface Result {
  readonly method: string;
  readonly verdict: Authentication['spf'];
  readonly domains: readonly string[];
}

const resultOf = (text: string): Result | null => {
  const [, method, verdict, rest = ''] = /^\s*([a-z0-9-]+)\s*=\s*([a-z]+)(.*)$/is.exec(text) ?? [];
  if (method === undefined || verdict === undefined) return null;
  const domains = [...rest.matchAll(/\b(?:header\.d|header\.i|smtp\.mailfrom|smtp\.helo)\s*=\s*"?([^\s;"]+)/gi)].map(([, name = '']) =>
    domainOf(name),
  );
  return { method: method.toLowerCase(), verdict: CHECKS[verdict.toLowerCase()] ?? 'none', domains };
};

const withoutComments = (value: string): string => {
  let text = value.slice(0, 4_000);
  // From the inside out, as they nest; each round takes something away.
  for (let before = ''; before !== text;) {
    before = text;
    text = text.replace(/\([^()]*\)/g, ' ');
  }
  return text;
};
