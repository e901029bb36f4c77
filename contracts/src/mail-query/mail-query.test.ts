import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { views } from '../http/mail-objects.ts';
import { timestamp } from '../time.ts';
import type { MailCondition, MailQuery, QueryFault } from './ast.ts';
import { DEEPEST_BRACKETS, LONGEST_QUERY, MOST_TERMS, parseMailQuery } from './parse.ts';
import { printMailQuery } from './print.ts';
import { modifierOf } from './vocabulary.ts';
import { stretchOf } from './when.ts';

const parsed = (typed: string): MailQuery =>
  E.getOrElseW((fault: QueryFault): never => {
    throw new Error(JSON.stringify(fault));
  })(parseMailQuery(typed));
const fault = (typed: string): QueryFault | null => {
  const query = parseMailQuery(typed);
  return E.isLeft(query) ? query.left : null;
};

const text = (words: string, exact = false): MailQuery => ({ kind: 'text', field: 'any', text: words, exact });
const all = (...of: readonly MailQuery[]): MailQuery => ({ kind: 'all', of });
const any = (...of: readonly MailQuery[]): MailQuery => ({ kind: 'any', of });
const not = (query: MailQuery): MailQuery => ({ kind: 'not', query });

describe('the search grammar', () => {
  it.each<readonly [string, MailQuery]>([
    ['facture', text('facture')],
    ['facture janvier', all(text('facture'), text('janvier'))],
    ['"bon de commande" -annulé', all(text('bon de commande', true), not(text('annulé')))],
    ['“bon de commande”', text('bon de commande', true)],
    ['« bon »', text('bon', true)],
    ['a OR b c', all(any(text('a'), text('b')), text('c'))],
    ['a (b c OR d)', all(text('a'), text('b'), any(text('c'), text('d')))],
    ['a OR (b c)', any(text('a'), all(text('b'), text('c')))],
    ['-(a OR b)', not(any(text('a'), text('b')))],
    ['a or b', all(text('a'), text('or'), text('b'))],
    ['a - b & c', all(text('a'), text('b'), text('c'))],
    ['well-known 12:30 Re: https://x.org', all(text('well-known'), text('12:30'), text('Re:'), text('https://x.org'))],
    ['FROM:ann@x.org', { kind: 'person', role: 'from', value: 'ann@x.org' }],
    ['De: "Jean Dupont"', { kind: 'person', role: 'from', value: 'Jean Dupont' }],
    ['à:ann', { kind: 'person', role: 'to', value: 'ann' }],
    ['a:ann', { kind: 'person', role: 'to', value: 'ann' }],
    ['aan:ann', { kind: 'person', role: 'to', value: 'ann' }],
    ['copie:ann', { kind: 'person', role: 'cc', value: 'ann' }],
    ['cci:ann', { kind: 'person', role: 'bcc', value: 'ann' }],
    ['objet:bilan', { kind: 'text', field: 'subject', text: 'bilan', exact: false }],
    ['onderwerp:"het plan"', { kind: 'text', field: 'subject', text: 'het plan', exact: true }],
    ['filename:plan.pdf', { kind: 'text', field: 'filename', text: 'plan.pdf', exact: false }],
    ['has:attachment', { kind: 'attachment' }],
    ['dans:corbeille', { kind: 'in', view: 'trash' }],
    ['dans:archivés', { kind: 'in', view: 'archive' }],
    ['in:prullenbak', { kind: 'in', view: 'trash' }],
    ['in:draft', { kind: 'in', view: 'drafts' }],
    ['est:nonlu', { kind: 'is', state: 'unread' }],
    ['is:gevolgd', { kind: 'is', state: 'starred' }],
    ['is:assigned-to-me', { kind: 'is', state: 'assigned-to-me' }],
    ['label:"À traiter/Urgent"', { kind: 'label', name: 'À traiter/Urgent' }],
    ['before:2026-03', { kind: 'date', bound: 'before', when: { type: 'period', text: '2026-03' } }],
    ['after:2w', { kind: 'date', bound: 'after', when: { type: 'ago', count: 2, unit: 'w' } }],
    ['after:2026-03-01t10:00+02:00', { kind: 'date', bound: 'after', when: { type: 'instant', at: timestamp(Date.UTC(2026, 2, 1, 8)) } }],
    ['larger:5M', { kind: 'size', bound: 'larger', bytes: 5 * 1024 * 1024 }],
    ['smaller:10kb', { kind: 'size', bound: 'smaller', bytes: 10_240 }],
  ])('reads %s', (typed, query) => {
    expect(parsed(typed)).toEqual(query);
  });

  it.each<readonly [string, number, number, RegExp]>([
    ['', 0, 0, /at least one word/],
    ['  --  ', 0, 6, /at least one word/],
    ['the "open', 4, 1, /closing quotation mark/],
    ['a (b', 2, 1, /closing bracket/],
    ['a) b', 1, 1, /none is open/],
    ['a ()', 2, 2, /between the brackets/],
    ['a OR', 2, 2, /behind OR/],
    ['OR a', 0, 2, /before OR/],
    ['a OR OR b', 2, 2, /behind OR/],
    ['a from:', 2, 5, /behind from:/],
    ['from:@', 5, 1, /an address/],
    ['in:nowhere', 3, 7, /one of inbox/],
    ['is:odd', 3, 3, /one of read/],
    ['has:wings', 4, 5, /attachment/],
    ['before:soon', 7, 4, /a date like/],
    ['before:2026-02-30', 7, 10, /a date like/],
    ['before:2026-13', 7, 7, /a date like/],
    ['larger:big', 7, 3, /a size like/],
    ['label:""', 0, 6, /the name of a label/],
  ])('tells the place of the fault in "%s"', (typed, offset, length, expected) => {
    expect(fault(typed)).toMatchObject({ offset, length, expected: expect.stringMatching(expected) });
  });

  it('bounds what it reads', () => {
    expect(fault('a'.repeat(LONGEST_QUERY + 1))).toMatchObject({ offset: LONGEST_QUERY, length: 1 });
    expect(fault('('.repeat(500))).toMatchObject({ offset: DEEPEST_BRACKETS, expected: expect.stringContaining('deep') });
    expect(fault('a '.repeat(MOST_TERMS + 1))).toMatchObject({ offset: MOST_TERMS * 2 });
    expect(parsed(`${'('.repeat(DEEPEST_BRACKETS)}a${')'.repeat(DEEPEST_BRACKETS)}`)).toEqual(text('a'));
  });
});

describe('times', () => {
  const now = Date.UTC(2026, 2, 31, 12);
  it.each([
    ['7d', '2026-03-24T12:00:00.000Z', '2026-03-24T12:00:00.000Z'],
    ['1m', '2026-02-28T12:00:00.000Z', '2026-02-28T12:00:00.000Z'],
    ['1y', '2025-03-31T12:00:00.000Z', '2025-03-31T12:00:00.000Z'],
    ['2026', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['2026-12-31', '2026-12-31T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  ])('%s is from %s to %s', (typed, start, end) => {
    const query = parsed(`on:${typed}`);
    const stretch = query.kind === 'date' ? stretchOf(query.when, now) : null;
    expect([stretch?.start, stretch?.end].map((at) => new Date(at ?? Number.NaN).toISOString())).toEqual([start, end]);
  });
});

const word = fc
  .stringMatching(/^[a-zéß0-9_][a-zé.'/+*&@é-]{0,6}$/u)
  .filter((one) => modifierOf(one.split(':')[0] ?? '') === undefined || !one.includes(':'));
const phrase = fc.stringMatching(/^[a-zé(:-]?[a-z0-9]( [a-zé():-]{1,4}){0,2}$/u).map((one) => one.trim());
const when = fc.oneof(
  fc.record({ type: fc.constant('ago' as const), count: fc.integer({ min: 0, max: 9999 }), unit: fc.constantFrom('d', 'w', 'm', 'y') }),
  fc.record({ type: fc.constant('period' as const), text: fc.constantFrom('2026', '2024-02', '2024-02-29', '1999-12-31') }),
  fc.record({ type: fc.constant('instant' as const), at: fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }).map(timestamp) }),
);
const condition: fc.Arbitrary<MailCondition> = fc.oneof(
  fc.record({
    kind: fc.constant('text'),
    field: fc.constantFrom('any', 'subject', 'body', 'filename'),
    text: word,
    exact: fc.constant(false),
  }),
  fc.record({
    kind: fc.constant('text'),
    field: fc.constantFrom('any', 'subject', 'body', 'filename'),
    text: phrase,
    exact: fc.constant(true),
  }),
  fc.record({ kind: fc.constant('person'), role: fc.constantFrom('from', 'to', 'cc', 'bcc'), value: fc.oneof(word, phrase) }),
  fc.constant({ kind: 'attachment' as const }),
  fc.record({ kind: fc.constant('in'), view: fc.constantFrom(...views) }),
  fc.record({ kind: fc.constant('label'), name: fc.oneof(word, phrase) }),
  fc.record({ kind: fc.constant('is'), state: fc.constantFrom('read', 'unread', 'starred', 'unassigned', 'assigned-to-me') }),
  fc.record({ kind: fc.constant('date'), bound: fc.constantFrom('before', 'after', 'on'), when }),
  fc.record({ kind: fc.constant('size'), bound: fc.constantFrom('larger', 'smaller'), bytes: fc.integer({ min: 0, max: 2 ** 35 }) }),
);

const { query: arbitraryQuery } = fc.letrec<{ query: MailQuery }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    condition,
    fc.array(tie('query'), { minLength: 2, maxLength: 3 }).map((of) => ({
      kind: 'all' as const,
      of: of.flatMap((one) => (one.kind === 'all' ? one.of : [one])),
    })),
    fc.array(tie('query'), { minLength: 2, maxLength: 3 }).map((of) => ({
      kind: 'any' as const,
      of: of.flatMap((one) => (one.kind === 'any' ? one.of : [one])),
    })),
    tie('query').map((query) => ({ kind: 'not' as const, query })),
  ),
}));

const isReadable = (query: MailQuery): boolean => printMailQuery(query).length <= LONGEST_QUERY;

describe('printing and parsing', () => {
  it('are inverse', () => {
    fc.assert(
      fc.property(arbitraryQuery.filter(isReadable), (query) => {
        const again = parseMailQuery(printMailQuery(query));
        if (E.isLeft(again) && /at most/.test(again.left.expected)) return; // too many terms for anyone to type
        expect(again).toEqual(E.right(query));
      }),
      { numRuns: 2_000 },
    );
  });

  const typing = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc
      .array(
        fc.constantFrom(
          '(',
          ')',
          '"',
          '-',
          '-(',
          '--',
          'OR',
          ' ',
          'a',
          'from:',
          'in:',
          'is:read',
          'before:7d',
          'é',
          '«',
          ':',
          '@',
          '😀',
          '\u0000',
        ),
        {
          maxLength: 60,
        },
      )
      .map((parts) => parts.join('')),
  );
  it('crash at nothing, and what was understood is understood the same when printed', () => {
    fc.assert(
      fc.property(typing, (typed) => {
        const query = parseMailQuery(typed);
        if (E.isLeft(query)) {
          const { offset, length } = query.left;
          expect(offset >= 0 && length >= 0 && offset + length <= typed.length).toBe(true);
          return;
        }
        const printed = printMailQuery(query.right);
        expect([printed, parseMailQuery(printed)]).toEqual([printed, query]);
      }),
      { numRuns: 5_000, examples: [['-(--help)'], ['-(-é)']] },
    );
  });

  it('take as long as the text is', () => {
    for (const part of ['(', ')', '"', '-', 'a-', 'OR ', 'from:', 'x:', 'é', ' ', '-(', '"a" ', 'before:9', 'larger:9']) {
      const started = performance.now();
      parseMailQuery(part.repeat(LONGEST_QUERY).slice(0, LONGEST_QUERY));
      expect([part, performance.now() - started < 100]).toEqual([part, true]);
    }
  });
});
