/** Threads whose emails are in their own row and in rows of `held`: what they answer, and what is written for it. */
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { Place } from '@tidings/contracts/events/thread';
import { derivedId, type EmailId, type LabelId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { threads, threadsIn, threadsInView, type ThreadPage } from './index.ts';
import { filed as emailFiled } from './testing/filed.ts';

const team = derivedId<MailboxId>('team');
const ada = derivedId<UserId>('ada');
const label = derivedId<LabelId>('label');
const thread = (n: number): ThreadId => derivedId<ThreadId>('thread', n);
const email = (n: number): EmailId => derivedId<EmailId>('email', n);
const numbers = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, n) => from + n);

const ofThread = (of: number) => ({ threadId: thread(of), mailboxId: team });
const filed = (n: number, of = 1): TidingsEvent => emailFiled({ ...ofThread(of), emailId: email(n) });
const filedAll = (from: number, to: number, of = 1): readonly TidingsEvent[] => numbers(from, to).map((n) => filed(n, of));
const moved = (emails: readonly number[], place: Place): TidingsEvent => ({
  type: 'EmailsMoved',
  data: { ...ofThread(1), emailIds: emails.map(email), place, by: ada },
});
const read = (upTo: number): TidingsEvent => ({ type: 'ThreadRead', data: { ...ofThread(1), upTo: email(upTo), by: ada } });
const marked = (n: number, $seen: boolean): TidingsEvent => ({
  type: 'EmailKeywordsSet',
  data: { ...ofThread(1), emailId: email(n), set: { $seen }, by: ada },
});
const destroyed = (emails: readonly number[], left: number): TidingsEvent => ({
  type: 'EmailsDestroyed',
  data: {
    ...{ ...ofThread(1), emailIds: emails.map(email), bytes: emails.length, left, heldBy: [team], by: null },
    remainder: left === 0 ? null : { snippet: 'What is left', participants: [], hasAttachments: false },
  },
});
const labelled: TidingsEvent = { type: 'ThreadLabelled', data: { ...ofThread(1), labelId: label, labelled: true, by: ada } };

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 500): Promise<Instance> => {
  const instance = await bench.fresh(threads);
  await instance.apply(recorded(events), pageSize);
  return instance;
};

/** The texts of thread 1: that of its own row, then those of `held`. */
const textsOf = async ({ schema }: Instance): Promise<readonly string[]> => {
  const { rows } = await bench.pool.query<{ emails: string }>(
    `select 0 as chunk, emails from ${schema}.thread where thread_id = $1
     union all select chunk, emails from ${schema}.held where thread_id = $1 order by chunk`,
    [thread(1)],
  );
  return rows.map(({ emails }) => emails);
};
const sizesOf = async (instance: Instance): Promise<readonly number[]> =>
  (await textsOf(instance)).map((text) => (text === '' ? 0 : text.split(';').length));

/** Each as `<id> <place> <seen>`. */
const emailsOf = async (instance: Instance): Promise<readonly string[]> =>
  (await textsOf(instance)).flatMap((text) => text.split(';')).map((one) => one.split('|').slice(3).toSpliced(1, 1).join(' '));

const rowOf = async ({ schema }: Instance) => (await bench.read.any(threadsIn(schema, [thread(1)], [team])))[0];

/** How many are in the row and how many in each row of `held`. */
const sizesFor = (emails: number): readonly number[] =>
  emails <= 16 ? [emails] : [16, ...numbers(0, Math.ceil((emails - 16) / 64)).map((n) => Math.min(64, emails - 16 - 64 * n))];

describe('the emails of a thread', () => {
  it.each([1, 16, 17, 80, 81, 150])('are in its own row and in rows of held: %i of them', async (all) => {
    const events = filedAll(0, all);
    const atOnce = await given(events);
    expect(await sizesOf(atOnce)).toEqual(sizesFor(all));
    expect(await emailsOf(atOnce)).toEqual(numbers(0, all).map((n) => `${email(n)} inbox`));
    for (const pageSize of [1, 16, 40]) expect(await (await given(events, pageSize)).dump()).toEqual(await atOnce.dump());
  });

  it('are moved, read and marked in both, also in the page that they come in', async () => {
    const events = [
      ...filedAll(0, 20),
      moved([3, 15, 16, 19], 'archive'),
      marked(2, true),
      marked(17, true),
      ...filedAll(20, 90),
      moved([0, 40, 85], 'trash'),
      read(50),
      marked(1, false),
      marked(60, true),
      marked(88, true),
    ];
    for (const pageSize of [1, 3, 22, 50, 500]) {
      const instance = await given(events, pageSize);
      const places = new Map<number, Place>([
        ...[3, 15, 16, 19].map((n) => [n, 'archive'] as const),
        ...[0, 40, 85].map((n) => [n, 'trash'] as const),
      ]);
      const seen = new Map([
        [1, ' 0'],
        [60, ' 1'],
        [88, ' 1'],
      ]);
      expect(await emailsOf(instance)).toEqual(numbers(0, 90).map((n) => `${email(n)} ${places.get(n) ?? 'inbox'}${seen.get(n) ?? ''}`));
      expect(await rowOf(instance)).toMatchObject({ inInbox: 83, inArchive: 4, inTrash: 3, unreadMain: 37, unreadTrash: 1 });
    }
  });

  it('close up when some go away, and what comes goes behind them', async () => {
    const gone = [...numbers(2, 10), ...numbers(20, 90)];
    const events = [...filedAll(0, 100), destroyed(gone, 22), ...filedAll(100, 105), moved([1, 15, 95, 104], 'archive')];
    for (const pageSize of [1, 30, 500]) {
      const instance = await given(events, pageSize);
      expect(await sizesOf(instance)).toEqual([16, 11]);
      const left = numbers(0, 105).filter((n) => !gone.includes(n));
      expect(await emailsOf(instance)).toEqual(left.map((n) => `${email(n)} ${[1, 15, 95, 104].includes(n) ? 'archive' : 'inbox'}`));
      expect(await sizesOf(await given([...events, destroyed(left.slice(3), 3)], pageSize))).toEqual([3]);
      for (const end of [destroyed(left, 0), { type: 'MailboxClosed', data: { mailboxId: team, by: ada } }] as const)
        expect(await textsOf(await given([...events, end], pageSize))).toEqual([]);
    }
  });

  it('may all go away although some should be left', async () => {
    const events = [filed(0), destroyed([0], 1)];
    for (const pageSize of [1, 500]) {
      expect(await textsOf(await given(events, pageSize))).toEqual(['']);
      expect(await emailsOf(await given([...events, read(0), filed(1), moved([1], 'archive')], pageSize))).toEqual([`${email(1)} archive`]);
    }
  });

  it('are what a story makes of them, whatever the pages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.integer({ min: 1, max: 60 }), async (steps, pageSize) => {
        const { events, emails } = storyOf(steps);
        const instance = await given(events, pageSize);
        expect(emails.length === 0 ? [] : await emailsOf(instance)).toEqual(
          emails.map(({ n, place, seen }) => `${email(n)} ${place}${seen === null ? '' : seen ? ' 1' : ' 0'}`),
        );
        expect(await sizesOf(instance)).toEqual(emails.length === 0 ? [] : sizesFor(emails.length));
        expect((await rowOf(instance))?.unreadMain ?? 0).toBe(emails.filter((one) => one.place !== 'trash' && isUnread(one)).length);
        expect(await (await given(events)).dump()).toEqual(await instance.dump());
      }),
      { numRuns: 25 },
    );
  });

  it('cost short threads no statement on held', async () => {
    const { schema } = await bench.fresh(threads);
    const written: string[] = [];
    const tx: ProjectionTx = {
      schema,
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
        if (/(into|update|from) \S+\.held\b/.test(text)) written.push(text);
        return (await bench.pool.query<Row>(text, [...values])).rows;
      },
    };
    const log = recorded([
      ...filedAll(0, 9),
      moved([3], 'trash'),
      marked(4, true),
      ...filedAll(9, 16),
      moved([5, 12], 'archive'),
      filed(16),
    ]);
    for (const page of [log.slice(0, 5), log.slice(5, 11), log.slice(11, -1)]) await threads.apply(page, tx);
    expect(written).toEqual([]);
    await threads.apply(log.slice(-1), tx);
    expect(written).toHaveLength(1);
  });
});

describe('a walk through a list', () => {
  it.each([1, 10, 16, 17, 60, 100])('meets a thread of %i emails where it stood, whatever came to it meanwhile', async (before) => {
    const began = [filed(1000, 2), ...filedAll(0, before), labelled, filed(1001, 3)];
    const events = recorded([...began, ...filedAll(before, 120), moved([before - 1, 119], 'archive')]);
    const instance = await bench.fresh(threads);
    await instance.apply(events.slice(0, began.length));
    const page = (more: Partial<ThreadPage>) =>
      bench.read.any(threadsInView(instance.schema, { mailbox: team, view: 'all', unread: null, walk: null, limit: 2, ...more }));
    const [first] = await page({ limit: 1 });
    if (first === undefined) throw new Error('an empty list');
    expect(first.threadId).toBe(thread(3));
    const key = { at: first.keyAt, position: first.keyPosition };

    await instance.apply(events.slice(began.length));
    const stood = { threadId: thread(1), keyAt: events[before]?.recordedAt, keyPosition: events[before]?.position };
    expect(await page({ walk: { began: key, after: key } })).toMatchObject([stood, { threadId: thread(2) }]);
    expect(await page({ walk: { began: key, after: key }, label })).toMatchObject([stood]);
  });
});

/** Numbers that `storyOf` makes a story of thread 1 of. */
const step = fc.record({
  what: fc.constantFrom('file', 'file', 'move', 'read', 'mark', 'destroy'),
  from: fc.nat(120),
  many: fc.integer({ min: 1, max: 40 }),
  place: fc.constantFrom<Place>('inbox', 'archive', 'trash'),
  seen: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** An email as it ends, told without chunks and pages. */
interface Told {
  readonly n: number;
  readonly place: Place;
  readonly seen: boolean | null;
  /** Whether it is read up to there. */
  readonly isRead: boolean;
}
const isUnread = ({ seen, isRead }: Told): boolean => (seen === null ? !isRead : !seen);

const storyOf = (steps: readonly Step[]): { readonly events: readonly TidingsEvent[]; readonly emails: readonly Told[] } => {
  const events: TidingsEvent[] = [];
  let emails: readonly Told[] = [];
  let next = 0;
  for (const { what, from, many, place, seen } of steps) {
    const at = from % Math.max(1, emails.length);
    const picked = emails[at];
    const some = emails.slice(at, at + many);
    const ofSome = (change: Partial<Told>) => emails.map((one) => (some.includes(one) ? { ...one, ...change } : one));
    if (what === 'file' || picked === undefined) {
      events.push(...filedAll(next, next + many));
      emails = [...emails, ...numbers(next, next + many).map((n): Told => ({ n, place: 'inbox', seen: null, isRead: false }))];
      next += many;
    } else if (what === 'move') {
      events.push(
        moved(
          some.map(({ n }) => n),
          place,
        ),
      );
      emails = ofSome({ place });
    } else if (what === 'read') {
      events.push(read(picked.n));
      emails = emails.map((one, nth) => ({ ...one, seen: null, isRead: nth <= at }));
    } else if (what === 'mark') {
      events.push(marked(picked.n, seen));
      emails = emails.map((one) => (one === picked ? { ...one, seen } : one));
    } else {
      emails = emails.filter((one) => !some.includes(one));
      events.push(
        destroyed(
          some.map(({ n }) => n),
          emails.length,
        ),
      );
    }
  }
  return { events, emails };
};
