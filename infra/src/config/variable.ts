/** Environment variables as io-ts codecs: absent or empty takes the default, anything else must keep the rule it names. */
import { isIP } from 'node:net';
import * as t from 'io-ts';

/** Decodes one variable's text. A failure's message is the rule, so that `NAME must be …` is a whole sentence; `name` is the rule too. */
export class Variable<A> extends t.Type<A, unknown> {
  readonly fallback: A;
  /** What it is for; for the reference. */
  readonly meaning: string;
  readonly #parse: (text: string) => A | undefined;

  /** @param parse gives undefined when the text breaks the rule */
  constructor(rule: string, fallback: A, parse: (text: string) => A | undefined, meaning = '') {
    super(
      rule,
      (u): u is A => u !== undefined,
      (u, c) => {
        if (u === undefined || u === '') return t.success(fallback);
        const parsed = typeof u === 'string' ? parse(u.trim()) : undefined;
        return parsed === undefined ? t.failure(u, c, `must be ${rule}`) : t.success(parsed);
      },
      String,
    );
    this.fallback = fallback;
    this.meaning = meaning;
    this.#parse = parse;
  }

  /** The same variable with what it is for: a sentence for operators. */
  means(meaning: string): Variable<A> {
    return new Variable(this.name, this.fallback, this.#parse, meaning);
  }
}

/** @param parse gives undefined when the text breaks the rule */
export const variable = <A>(rule: string, fallback: A, parse: (text: string) => A | undefined): Variable<A> =>
  new Variable(rule, fallback, parse);

export const text = (fallback: string): Variable<string> => variable('text', fallback, (value) => value);

export const optionalText: Variable<string | null> = variable<string | null>('text', null, (value) => value);

export const wholeNumber = (min: number, max: number, fallback: number): Variable<number> =>
  variable(`a whole number from ${min} to ${max}`, fallback, (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });

export const port = (fallback: number): Variable<number> => wholeNumber(0, 65_535, fallback);

export const word = <V extends string>(fallback: V, ...others: readonly V[]): Variable<V> => {
  const words = [fallback, ...others];
  return variable(`one of ${words.join(', ')}`, fallback, (value) => words.find((known) => known === value));
};

export const flag = (fallback: boolean): Variable<boolean> =>
  variable('on or off', fallback, (value) =>
    ['on', 'true', '1'].includes(value) ? true : ['off', 'false', '0'].includes(value) ? false : undefined,
  );

/** A URL with one of these schemes, without a trailing slash. */
export const url = (...schemes: readonly string[]): Variable<string | null> =>
  variable<string | null>(`a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`, null, (value) =>
    URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)) ? value.replace(/\/+$/, '') : undefined,
  );

export const list = (
  rule: string,
  fallback: readonly string[],
  item: RegExp,
  normal = (part: string): string => part,
): Variable<readonly string[]> =>
  variable(rule, fallback, (value) => {
    const items = [...new Set(value.split(',').map((part) => normal(part.trim().toLowerCase())))].filter((part) => part !== '');
    return items.length > 0 && items.every((part) => item.test(part)) ? items : undefined;
  });

/** Words as written, in their case; none unless set. */
export const names = (rule: string, item = /^[!-+\--~]{1,255}$/): Variable<readonly string[]> =>
  variable<readonly string[]>(rule, [], (value) => {
    const items = [...new Set(value.split(',').map((part) => part.trim()))].filter((part) => part !== '');
    return items.every((part) => item.test(part)) ? items : undefined;
  });

/** Networks in CIDR notation; a plain address is a network of one. None unless set. */
export const networks: Variable<readonly string[]> = variable<readonly string[]>(
  'addresses or networks like 10.0.0.0/8 with commas between them',
  [],
  (value) => {
    const items = [...new Set(value.split(',').map((part) => part.trim()))].filter((part) => part !== '').map(networkOf);
    return items.every((item) => item !== null) ? items : undefined;
  },
);

const networkOf = (text: string): string | null => {
  const [address = '', prefix, ...more] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (
    bits < 0 ||
    address.includes('%') ||
    more.length > 0 ||
    (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
  )
    return null;
  return `${address}/${prefix ?? bits}`;
};
