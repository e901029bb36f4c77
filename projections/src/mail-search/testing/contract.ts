/** What every search for mail promises; each engine's test runs it. It finds what looking at every mail finds. */
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type LabelId, type MailboxId } from '@tidings/contracts/ids';
import type { MailQuery, QueryFault } from '@tidings/contracts/mail-query/ast';
import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import type { MailFinds, MailHit, MailPlace, MailQuestion, MailSearch, MailTexts } from '@tidings/contracts/ports/mail-search';
import type { Projection } from '@tidings/contracts/projection';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../../tests/kit/projection.ts';
import type { ReadModels } from '../asking.ts';
import { emailOf, filed, mailboxOf, reader, threadOf, WrittenTexts, type WrittenMail } from './mails.ts';
import { type PlainMail, plainSearch, type StemsOf } from './plain-search.ts';

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
/** Mails come a day apart, the first on 2 January. */
const NOW = START + 20 * DAY;

const queryOf = (typed: string): MailQuery =>
  E.getOrElseW((fault: QueryFault): never => {
    throw new Error(fault.expected);
  })(parseMailQuery(typed));
const ask = (typed: string, mailboxes: readonly MailboxId[] = [mailboxOf(0)]): MailQuestion => ({
  query: queryOf(typed),
  searcher: reader,
  mailboxes,
  now: NOW,
});
const numbered = (hits: readonly MailHit[]): readonly (number | undefined)[] =>
  hits.map(({ emailId }) => Array.from({ length: 60 }, (_, n) => n + 1).find((n) => emailOf(n) === emailId));
/** Page by page, however short they are. */
const walk = async (search: MailSearch, question: MailQuestion, limit: number): Promise<readonly MailHit[]> => {
  const all: MailHit[] = [];
  for (let after: MailPlace | null = null; ;) {
    const { hits, goOn }: MailFinds = await search.find(question, { after, limit });
    all.push(...hits);
    after = goOn ?? (hits.length < limit ? null : (hits.at(-1) ?? null));
    if (after === null) return all;
  }
};

const ann = { name: 'Ann Dupont', email: 'Ann@Example.org' };
const bob = { name: null, email: 'bob.vandamme@stad.test' };
const eve = { name: 'Ève Martin', email: 'jmartin@mail.example.org' };

const vocabulary =
  'le facture factures général générale marché marchés invoice invoices run running happy happiness school schools fiets fietsen lopen loopt stad steden a in 2026 über'.split(
    ' ',
  );
const people = [ann, bob, eve, { name: 'Anna', email: 'anna@stad.test' }];
const mail: fc.Arbitrary<WrittenMail> = fc.record({
  mailbox: fc.integer({ min: 0, max: 2 }),
  thread: fc.integer({ min: 0, max: 8 }),
  subject: fc.array(fc.constantFrom(...vocabulary), { maxLength: 3 }).map((words) => words.join(' ')),
  body: fc.array(fc.constantFrom(...vocabulary), { maxLength: 6 }).map((words) => words.join(' ')),
  files: fc.subarray(['invoice 2026.pdf', 'plan.odt'], { maxLength: 1 }),
  from: fc.subarray(people, { minLength: 1, maxLength: 1 }),
  to: fc.subarray(people, { maxLength: 2 }),
  cc: fc.subarray(people, { maxLength: 1 }),
  bcc: fc.subarray(people, { maxLength: 1 }),
  size: fc.constantFrom(100, 10_000, 5_000_000),
  place: fc.constantFrom('inbox', 'archive', 'spam', 'trash', 'sent'),
  direction: fc.constantFrom('in', 'out'),
});
const typedWord = fc.oneof(
  fc.constantFrom(...vocabulary),
  fc.constantFrom('fac', 'mar', 'run', 'happ', 'scho', 'stad', 'general', 'pdf', 'dup', 'example'),
);
const term = fc.oneof(
  { weight: 4, arbitrary: typedWord },
  fc.tuple(typedWord, typedWord).map(([a, b]) => `"${a} ${b}"`),
  fc.tuple(fc.constantFrom('subject', 'body', 'filename'), typedWord).map(([field, one]) => `${field}:${one}`),
  fc
    .tuple(
      fc.constantFrom('from', 'to', 'cc', 'bcc'),
      fc.constantFrom('ann', 'an', 'mart', 'bob.van', '@stad.test', 'ann@example.org', 'dupont', 'org'),
    )
    .map(([role, one]) => `${role}:${one}`),
  fc.constantFrom(
    'in:inbox',
    'in:trash',
    'in:spam',
    'in:archive',
    'in:sent',
    'in:all',
    'in:starred',
    'is:read',
    'is:unread',
    'is:unassigned',
    'is:assigned-to-me',
  ),
  fc.constantFrom('label:team', 'label:team/a', 'is:starred', 'is:unread'),
  fc.constantFrom('has:attachment', 'larger:5k', 'smaller:5k', 'before:2026-01-12', 'after:10d', 'on:2026-01-09', 'label:none'),
);
const typed = fc
  .array(fc.tuple(fc.constantFrom('', '', '-'), term, fc.constantFrom(' ', ' ', ' OR ')), { minLength: 1, maxLength: 4 })
  .map((terms) => terms.map(([minus, one, glue], at) => `${minus}${one}${at === terms.length - 1 ? '' : glue}`).join(''));

export interface MailSearchEngine {
  readonly name: string;
  /** @param segment emails to a segment, where there are any */
  readonly projection: (texts: MailTexts, segment: number) => Projection;
  /** Ways of searching, with the size of the pages to try each in; the first is the usual one. */
  readonly searches: (models: ReadModels) => readonly [Way, ...(readonly Way[])];
  /** In tables, for one email. */
  readonly rows: number;
  /** Of random mails and queries. */
  readonly runs: number;
}
type Way = readonly [MailSearch, number];

export const mailSearchContract = (engine: MailSearchEngine): void => {
  let bench: RunningProjection;
  beforeAll(async () => {
    bench = await openProjectionBench();
  });
  afterAll(() => bench.close());

  const given = async (mails: readonly WrittenMail[], more: readonly TidingsEvent[] = [], pageSize = 4, segment = 3): Promise<Instance> => {
    const texts = new WrittenTexts();
    const instance = await bench.fresh(engine.projection(texts, segment));
    const events = [...mails.map((mail, at) => filed(at + 1, mail, texts)), ...more];
    await instance.apply(recorded(events, DAY), pageSize);
    return instance;
  };
  const searchesIn = ({ schema }: Instance) => engine.searches({ read: bench.read, liveSchema: () => schema });
  const searchIn = (instance: Instance): MailSearch => searchesIn(instance)[0][0];
  const found = async (instance: Instance, typed: string, mailboxes?: readonly MailboxId[]) =>
    numbered((await searchIn(instance).find(ask(typed, mailboxes), { after: null, limit: 50 })).hits);

  describe(`the search for mail by ${engine.name}`, () => {
    it('finds words in subject, body, people and names of files, with other endings and as beginnings', async () => {
      const instance = await given([
        { subject: 'Vos factures', body: 'Les chevaux évalués au marché' },
        { subject: 'Invoice', body: 'We are running a school', files: ['budget-2026.PDF'] },
        { subject: 'Vergadering', body: 'De besprekingen over fietsen', from: [ann], to: [bob] },
      ]);
      expect(await found(instance, 'facture')).toEqual([1]);
      expect(await found(instance, 'cheval')).toEqual([1]);
      expect(await found(instance, 'évaluée')).toEqual([1]);
      expect(await found(instance, 'evaluee')).toEqual([1]);
      expect(await found(instance, 'invoices')).toEqual([2]);
      expect(await found(instance, 'runs')).toEqual([2]);
      expect(await found(instance, 'inv')).toEqual([2]);
      expect(await found(instance, 'in')).toEqual([]);
      expect(await found(instance, 'bespreking')).toEqual([3]);
      expect(await found(instance, 'fiets')).toEqual([3]);
      expect(await found(instance, 'dupont')).toEqual([3]);
      expect(await found(instance, 'vandamme')).toEqual([3]);
      expect(await found(instance, 'pdf')).toEqual([2]);
      expect(await found(instance, 'body:invoice')).toEqual([]);
      expect(await found(instance, 'subject:school')).toEqual([]);
      expect(await found(instance, 'subject:invoices')).toEqual([2]);
      expect(await found(instance, 'filename:budget')).toEqual([2]);
      expect(await found(instance, 'filename:school')).toEqual([]);
    });

    it('finds phrases exactly, and leaves out what is negated', async () => {
      const instance = await given([
        { body: 'Le bon de commande signé' },
        { body: 'bon appétit, commande' },
        { subject: 'bon', body: 'de commande' },
      ]);
      expect(await found(instance, '"bon de commande"')).toEqual([1]);
      expect(await found(instance, '"bon de comm"')).toEqual([]);
      expect(await found(instance, '"commandes"')).toEqual([]);
      expect(await found(instance, 'bon commande -signe')).toEqual([3, 2]);
      expect(await found(instance, '-bon')).toEqual([]);
      expect(await found(instance, 'commande -(appetit OR signe)')).toEqual([3]);
      expect(await found(instance, 'bon-de')).toEqual([1]);
    });

    it('finds people by address, domain or a part of their name or address', async () => {
      const instance = await given([
        { from: [ann], to: [bob] },
        { from: [bob], cc: [ann] },
        { from: [eve], bcc: [ann], to: [bob] },
      ]);
      expect(await found(instance, 'from:ann@example.org')).toEqual([1]);
      expect(await found(instance, 'from:@example.org')).toEqual([1]);
      expect(await found(instance, 'from:pon')).toEqual([1]);
      expect(await found(instance, 'from:martin')).toEqual([3]);
      expect(await found(instance, 'from:"ann dup"')).toEqual([1]);
      expect(await found(instance, 'from:"nn dup"')).toEqual([]);
      expect(await found(instance, 'from:ve')).toEqual([]);
      expect(await found(instance, 'from:damme@')).toEqual([]);
      expect(await found(instance, 'from:damme.stad')).toEqual([2]);
      expect(await found(instance, 'from:vandamme')).toEqual([2]);
      expect(await found(instance, 'to:ann@EXAMPLE.org')).toEqual([3, 2]);
      expect(await found(instance, 'cc:ann')).toEqual([2]);
      expect(await found(instance, 'bcc:ann')).toEqual([3]);
      expect(await found(instance, 'to:bob -from:ann')).toEqual([3]);
    });

    it('finds by place, size, time and attachments, and leaves trash and spam out unless asked', async () => {
      const instance = await given([
        { place: 'trash', size: 5_000_000 },
        { place: 'spam' },
        { place: 'sent', direction: 'out', files: ['a.txt'] },
        { place: 'archive', size: 20_000 },
        { size: 100 },
      ]);
      expect(await found(instance, 'smaller:100G')).toEqual([5, 4, 3]);
      expect(await found(instance, 'in:all')).toEqual([5, 4, 3]);
      expect(await found(instance, 'in:trash')).toEqual([1]);
      expect(await found(instance, 'in:spam OR in:inbox')).toEqual([5, 2]);
      expect(await found(instance, 'in:archive')).toEqual([4]);
      expect(await found(instance, 'has:attachment')).toEqual([3]);
      expect(await found(instance, 'larger:10k')).toEqual([4]);
      expect(await found(instance, 'is:unread')).toEqual([5, 4]);
      expect(await found(instance, 'is:read')).toEqual([3]);
      expect(await found(instance, 'after:2026-01-05')).toEqual([5, 4]);
      expect(await found(instance, 'before:2026-01-05')).toEqual([3]);
      expect(await found(instance, 'on:2026-01-05')).toEqual([4]);
      expect(await found(instance, 'after:15d')).toEqual([5]);
      expect(await found(instance, 'on:15d')).toEqual([5]);
    });

    it('follows what is read, starred, moved and labelled, and forgets closed mailboxes', async () => {
      const of = (mailbox: number, thread: number) => ({ threadId: threadOf(thread), mailboxId: mailboxOf(mailbox), by: reader });
      const label = derivedId<LabelId>('search-label', 1);
      const naming = { mailboxId: mailboxOf(0), labelId: label, color: '#000000', description: null, auto: false, by: reader };
      const mails = [{ thread: 7 }, { thread: 7 }, { thread: 8 }, { mailbox: 1, thread: 9 }];
      const marked: readonly TidingsEvent[] = [
        { type: 'ThreadRead', data: { ...of(0, 7), upTo: emailOf(1) } },
        { type: 'ThreadStarred', data: { ...of(0, 7), starred: true } },
        { type: 'EmailsMoved', data: { ...of(0, 8), emailIds: [emailOf(3)], place: 'archive' } },
        { type: 'LabelCreated', data: { ...naming, name: 'Équipe/À traiter' } },
        { type: 'ThreadLabelled', data: { ...of(0, 8), labelId: label, labelled: true } },
        { type: 'ThreadAssigned', data: { threadId: threadOf(7), mailboxIds: [mailboxOf(0)], userId: reader, by: reader } },
        { type: 'MailboxClosed', data: { mailboxId: mailboxOf(1), by: reader } },
      ];
      for (const pageSize of [1, 100]) {
        const instance = await given(mails, marked, pageSize);
        expect(await found(instance, 'is:unread')).toEqual([3, 2]);
        expect(await found(instance, 'is:starred')).toEqual([2, 1]);
        expect(await found(instance, 'in:archive')).toEqual([3]);
        expect(await found(instance, 'is:assigned-to-me')).toEqual([2, 1]);
        expect(await found(instance, 'is:unassigned')).toEqual([3]);
        expect(await found(instance, 'label:"equipe/a traiter"')).toEqual([3]);
        expect(await found(instance, 'label:équipe')).toEqual([3]);
        expect(await found(instance, 'label:"a traiter"')).toEqual([]);
        expect(await found(instance, 'in:all', [mailboxOf(1)])).toEqual([]);
      }
      const later = await given(mails, [
        ...marked,
        { type: 'ThreadRead', data: { ...of(0, 7), upTo: null } },
        { type: 'ThreadStarred', data: { ...of(0, 7), starred: false } },
        { type: 'ThreadUnassigned', data: { threadId: threadOf(7), mailboxIds: [mailboxOf(0)], userId: reader, by: null } },
        { type: 'LabelDeleted', data: { mailboxId: mailboxOf(0), labelId: label, by: reader } },
      ]);
      expect(await found(later, 'is:unread')).toEqual([3, 2, 1]);
      expect(await found(later, 'is:starred')).toEqual([]);
      expect(await found(later, 'is:unassigned')).toEqual([3, 2, 1]);
      expect(await found(later, 'label:equipe')).toEqual([]);
      const texts = new WrittenTexts();
      const starredBefore = await bench.fresh(engine.projection(texts, 3));
      const star: TidingsEvent = { type: 'ThreadStarred', data: { ...of(0, 7), starred: true } };
      await starredBefore.apply(recorded([filed(1, { thread: 7 }, texts), star, filed(2, { thread: 7 }, texts)], DAY), 1);
      expect(await found(starredBefore, 'is:starred')).toEqual([2, 1]);
    });

    it('forgets threads that are no longer shared with a mailbox, and knows an email in two of its threads', async () => {
      const texts = new WrittenTexts();
      const unshared: TidingsEvent = {
        type: 'ThreadUnshared',
        data: { threadId: threadOf(8), mailboxId: mailboxOf(0), heldBy: [], by: reader },
      };
      const events = [
        filed(1, { thread: 7, body: 'twice' }, texts),
        filed(1, { thread: 8, body: 'twice' }, texts),
        filed(2, { thread: 8, body: 'once' }, texts),
        unshared,
      ];
      for (const pageSize of [1, 100]) {
        const instance = await bench.fresh(engine.projection(texts, 3));
        await instance.apply(recorded(events.slice(0, 3), DAY), pageSize);
        expect(await found(instance, 'twice')).toEqual([1, 1]);
        expect(await found(instance, 'once')).toEqual([2]);
        const after = await bench.fresh(engine.projection(texts, 3));
        await after.apply(recorded(events, DAY), pageSize);
        expect(await found(after, 'twice OR once')).toEqual([1]);
        expect((await after.dump()).filter((line) => /^(email|words) /.test(line))).toHaveLength(engine.rows);
        await after.apply(recorded([...events, filed(2, { thread: 8, body: 'once' }, texts)], DAY).slice(3), pageSize);
        expect(await found(after, 'once')).toEqual([2]);
      }
    });

    it('follows marks on single emails, until their thread is read', async () => {
      const of = { threadId: threadOf(7), mailboxId: mailboxOf(0), by: reader };
      const marks = (n: number, seen: boolean): TidingsEvent => ({
        type: 'EmailKeywordsSet',
        data: { ...of, emailId: emailOf(n), set: { $seen: seen } },
      });
      const read: TidingsEvent = { type: 'ThreadRead', data: { ...of, upTo: emailOf(2) } };
      for (const pageSize of [1, 100]) {
        const instance = await given([{ thread: 7 }, { thread: 7 }, { thread: 7 }], [marks(3, true), read, marks(1, false)], pageSize);
        expect(await found(instance, 'is:unread')).toEqual([3, 1]);
      }
    });

    it('knows nothing of mail that is erased', async () => {
      const texts = new WrittenTexts();
      const instance = await bench.fresh(engine.projection(texts, 3));
      const event = filed(1, { subject: 'secret', body: 'secret', from: [ann] }, texts);
      const erased = { ...event, data: { ...event.data, content: SHREDDED, envelope: SHREDDED } } as TidingsEvent; // as the log gives it then
      await instance.apply(recorded([erased], DAY));
      expect(await found(instance, 'secret OR from:ann')).toEqual([]);
      expect(await found(instance, 'in:inbox')).toEqual([1]);
    });

    it('takes any text', async () => {
      const odd = `it's a \\ 'quoted' word\n\0 ${'x'.repeat(5_000)} 東京都 😀 \ud800`;
      const instance = await given([{ subject: odd, body: odd, files: [odd], from: [{ name: odd, email: `o'n\\eill@x.org` }] }]);
      expect(await found(instance, 'quoted 京都 😀')).toEqual([1]);
      expect(await found(instance, `from:o'n\\eill@x.org`)).toEqual([1]);
      expect(await found(instance, `from:@x.org it's`)).toEqual([1]);
    });
  });

  describe(`any search by ${engine.name}`, () => {
    it('finds what looking at each mail finds, in pages and by thread', async () => {
      const stemsOf = await knownStems();
      await fc.assert(
        fc.asyncProperty(
          fc.array(mail, { minLength: 5, maxLength: 25 }),
          fc.array(typed, { minLength: 8, maxLength: 8 }),
          fc.record({ starred: fc.subarray([0, 1, 2, 3, 4]), labelled: fc.subarray([2, 3, 4, 5, 6]), read: fc.subarray([0, 2, 4, 6]) }),
          async (mails, queries, done) => {
            const instance = await given(mails, [...handled(mails, done)], 10);
            const plain = mails.map((one, at) => plainOf(one, at + 1, done));
            for (const one of queries) {
              for (const boxes of [[0], [0, 2], []]) {
                const question = ask(one, boxes.map(mailboxOf));
                const expected = plainSearch(plain, question, stemsOf);
                for (const [search, limit] of searchesIn(instance)) {
                  const all = await walk(search, question, limit);
                  expect([one, boxes, limit, numbered(all)]).toEqual([one, boxes, limit, numbered(expected)]);
                }
                const threads = [threadOf(1), threadOf(2)];
                const ofThem = threads.flatMap((thread) => expected.filter(({ threadId }) => threadId === thread).slice(0, 2));
                const within = await searchIn(instance).within(question, threads, 2);
                expect([one, numbered(within).toSorted()]).toEqual([one, numbered(ofThem).toSorted()]);
              }
            }
          },
        ),
        { numRuns: engine.runs },
      );
    }, 120_000);

    /** As the dictionaries say them, with the accents that people write and without. */
    const knownStems = async (): Promise<StemsOf> => {
      const fold = (word: string): string => word.normalize('NFKD').replaceAll(/\p{Mn}/gu, '');
      const words = [...vocabulary, 'fac', 'mar', 'happ', 'scho', 'pdf', 'dup', 'example', 'plan', 'odt'];
      const stems = new Map<string, readonly string[]>();
      for (const word of words) {
        const forms = word.length < 3 || /\d/.test(word) ? [] : [word, fold(word)];
        const all = await Promise.all(
          forms.flatMap((form) =>
            ['english', 'french', 'dutch'].map(async (language) => {
              const { rows } = await bench.pool.query<{ stem: string | null }>('select (ts_lexize($1::regdictionary, $2))[1] as stem', [
                `${language}_stem`,
                form,
              ]);
              return rows[0]?.stem ?? null;
            }),
          ),
        );
        stems.set(fold(word), [...(stems.get(fold(word)) ?? []), ...all.flatMap((stem) => (stem === null ? [] : [fold(stem)]))]);
      }
      return (word) => stems.get(word) ?? [];
    };

    interface Done {
      readonly starred: readonly number[];
      readonly labelled: readonly number[];
      readonly read: readonly number[];
    }

    /** In the first mailbox alone. */
    const handled = function* (mails: readonly WrittenMail[], { starred, labelled, read }: Done): Generator<TidingsEvent> {
      const of = (thread: number) => ({ threadId: threadOf(thread), mailboxId: mailboxOf(0), by: reader });
      const labelId = derivedId<LabelId>('search-label', 1);
      const looks = { color: '#000000', description: null, auto: false, by: reader };
      yield { type: 'LabelCreated', data: { mailboxId: mailboxOf(0), labelId, name: 'Team/A', ...looks } };
      for (const thread of starred) yield { type: 'ThreadStarred', data: { ...of(thread), starred: true } };
      for (const thread of labelled) yield { type: 'ThreadLabelled', data: { ...of(thread), labelId, labelled: true } };
      for (const thread of read) {
        const last = mails.findLastIndex((mail) => mail.mailbox === 0 && mail.thread === thread);
        if (last >= 0) yield { type: 'ThreadRead', data: { ...of(thread), upTo: emailOf(last + 1) } };
      }
    };

    const plainOf = ({ mailbox = 0, thread = 0, ...written }: WrittenMail, n: number, { starred, labelled, read }: Done): PlainMail => ({
      ...{ subject: '', body: '', files: [], from: [], to: [], cc: [], bcc: [], size: 0, place: 'inbox' as const },
      ...written,
      at: timestamp(START + n * DAY),
      emailId: emailOf(n),
      mailboxId: mailboxOf(mailbox),
      threadId: threadOf(thread),
      hasAttachments: (written.files ?? []).length > 0,
      unread: written.direction !== 'out' && !(mailbox === 0 && read.includes(thread)),
      starred: mailbox === 0 && starred.includes(thread),
      labels: mailbox === 0 && labelled.includes(thread) ? ['team/a'] : [],
    });
  });
};
