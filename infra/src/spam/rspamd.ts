/** rspamd's judgement of a mail: `POST /checkv2` (https://rspamd.com/doc/developers/protocol.html). */
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import { decode } from '@tidings/contracts/codec';
import { CheckerUnavailable, type SpamChecker, type SpamFinding } from '@tidings/contracts/ports/mail-checks';

export interface RspamdOptions {
  /** Of the worker that scans, without a path. */
  readonly url: string;
  readonly password: string | null;
}

const Verdict = t.type({
  action: t.string,
  score: t.number,
  symbols: t.union([t.record(t.string, t.type({ score: t.number })), t.undefined]),
});
type Verdict = t.TypeOf<typeof Verdict>;

export const rspamd = ({ url, password }: RspamdOptions): SpamChecker => ({
  check: async (raw, { address, helo, mailFrom, recipients, id }, signal) => {
    const headers = new Headers({ 'content-type': 'message/rfc822', 'queue-id': id });
    if (address !== '') headers.set('ip', headerText(address));
    if (helo !== '') headers.set('helo', headerText(helo));
    headers.set('from', headerText(mailFrom));
    for (const recipient of recipients) headers.append('rcpt', headerText(recipient));
    if (password !== null) headers.set('password', headerText(password));
    return findingOf(await ask(`${url}/checkv2`, { method: 'POST', headers, body: Buffer.from(raw), signal }));
  },
});

/** @throws CheckerUnavailable */
const ask = async (url: string, request: RequestInit): Promise<Verdict> => {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, request);
    body = await response.json();
  } catch (error) {
    throw new CheckerUnavailable(`rspamd does not answer: ${reasonOf(error)}`, { cause: error });
  }
  if (!response.ok) throw new CheckerUnavailable(`rspamd answered ${response.status}`);
  const verdict = decode(Verdict, body);
  if (E.isLeft(verdict)) throw new CheckerUnavailable('rspamd answered without a verdict');
  return verdict.right;
};

/** Its actions, as they are about a server that answers during SMTP, turned into what may still be done: nothing is lost for a wrong guess. */
const findingOf = ({ action, score, symbols = {} }: Verdict): SpamFinding => {
  const judged = (spam: boolean, ...words: readonly string[]): SpamFinding => ({
    type: 'judged',
    spam,
    score,
    reasons: [...words, ...weightiest(symbols)],
  });
  switch (action) {
    case 'no action':
      return { type: 'judged', spam: false, score, reasons: [] };
    case 'add header':
      return judged(false, 'possible spam');
    case 'rewrite subject':
      return judged(false, 'likely spam');
    case 'greylist':
    case 'soft reject':
      return { type: 'later', reason: `rspamd asks to see it again (${action})` };
    case 'quarantine':
    case 'reject':
    case 'discard':
      return judged(true, `rspamd: ${action}`);
    default:
      throw new CheckerUnavailable(`rspamd answered an unknown action "${action.slice(0, 50)}"`);
  }
};

const weightiest = (symbols: Readonly<Record<string, { readonly score: number }>>): readonly string[] =>
  Object.entries(symbols)
    .filter(([, { score }]) => score > 0)
    .toSorted(([, a], [, b]) => b.score - a.score)
    .slice(0, 8)
    .map(([name, { score }]) => `${name.slice(0, 100)} (${score})`);

/** Bytes of UTF-8, which rspamd reads, in the only form that `fetch` takes them; nothing that ends a line. */
const headerText = (text: string): string => Buffer.from(text.replace(/\p{Cc}/gu, '')).toString('latin1');

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  return error.cause instanceof Error ? error.cause.message : error.message;
};
