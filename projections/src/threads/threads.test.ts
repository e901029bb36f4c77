import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { Place } from '@tidings/contracts/events/thread';
import { type View, views } from '@tidings/contracts/http/mail-objects';
import { derivedId, type EmailId, type LabelId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import {
  assignedTo,
  countsOf,
  labelCountsOf,
  marksOn,
  threads,
  threadsIn,
  threadsInView,
  threadView,
  type ThreadPage,
  type Walk,
} from './index.ts';
import { filed as emailFiled, mailContent } from './testing/filed.ts';

const team = derivedId<MailboxId>('team');
const other = derivedId<MailboxId>('other');
const ada = derivedId<UserId>('ada');
const thread = (n: number): ThreadId => derivedId<ThreadId>('thread', n);
const email = (n: number): EmailId => derivedId<EmailId>('email', n);

/** Email `n` in thread `of`. */
const filed = (n: number, of: number, more: Partial<Parameters<typeof emailFiled>[0]> = {}): TidingsEvent =>
  emailFiled({
    threadId: thread(of),
    mailboxId: team,
    emailId: email(n),
    content: mailContent(`Mail ${n}`, `from${n % 3}@y.test`),
    ...more,
  });
const read = (of: number, upTo: number | null): TidingsEvent => ({
  type: 'ThreadRead',
  data: { threadId: thread(of), mailboxId: team, upTo: upTo === null ? null : email(upTo), by: ada },
});
const moved = (of: number, numbers: readonly number[], place: Place): TidingsEvent => ({
  type: 'EmailsMoved',
  data: { threadId: thread(of), mailboxId: team, emailIds: numbers.map(email), place, by: ada },
});
const starred = (of: number, on: boolean): TidingsEvent => ({
  type: 'ThreadStarred',
  data: { threadId: thread(of), mailboxId: team, starred: on, by: ada },
});
const label = (n: number): LabelId => derivedId<LabelId>('label', n);
const user = (n: number): UserId => derivedId<UserId>('user', n);
const labelled = (of: number, n: number, on = true): TidingsEvent => ({
  type: 'ThreadLabelled',
  data: { threadId: thread(of), mailboxId: team, labelId: label(n), labelled: on, by: ada },
});
const assigned = (of: number, n: number, on = true): TidingsEvent => ({
  type: on ? 'ThreadAssigned' : 'ThreadUnassigned',
  data: { threadId: thread(of), mailboxIds: [team, other], userId: user(n), by: ada },
});

/** `startsThread` as the decision would have it. */
const decided = (events: readonly TidingsEvent[]): readonly TidingsEvent[] => {
  const known = new Set<string>();
  return events.map((event) => {
    if (event.type !== 'EmailFiled') return event;
    const key = event.data.threadId + event.data.mailboxId;
    const startsThread = !known.has(key);
    known.add(key);
    return { ...event, data: { ...event.data, startsThread } };
  });
};

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 2, everyMs = 1000): Promise<Instance> => {
  const instance = await bench.fresh(threads);
  await instance.apply(recorded(decided(events), everyMs), pageSize);
  return instance;
};
const one = async ({ schema }: Instance, of: number) => {
  const [row] = await bench.read.any(threadsIn(schema, [thread(of)], [team]));
  if (row === undefined) throw new Error('no such thread');
  return threadView(row);
};
const list = async ({ schema }: Instance, view: View, more: Partial<ThreadPage> = {}) =>
  bench.read.any(threadsInView(schema, { mailbox: team, view, unread: null, walk: null, limit: 100, ...more }));
const ids = async (...asked: Parameters<typeof list>) => (await list(...asked)).map(({ threadId }) => threadId);
const counts = async ({ schema }: Instance) => (await bench.read.any(countsOf(schema, [team])))[0]?.views;
const labelCounts = async ({ schema }: Instance) =>
  (await bench.read.any(labelCountsOf(schema, team))).toSorted((a, b) => (a.id < b.id ? -1 : 1));
const marks = async ({ schema }: Instance) => bench.read.any(marksOn(schema, [0, 1, 2, 3, 4].map(thread), [team]));

/** By looking at each thread of view `all`. */
const countedAfresh = async (instance: Instance) => {
  const on = await marks(instance);
  const all = await list(instance, 'all');
  return [label(0), label(1)].toSorted().flatMap((id) => {
    const bearing = all.filter(({ threadId }) => on.some((mark) => mark.threadId === threadId && mark.label === id));
    const unread = bearing.filter(({ unreadMain }) => unreadMain > 0).length;
    return bearing.length === 0 ? [] : [{ id, threads: bearing.length, unread }];
  });
};

const chosenList = fc.record({ view: fc.constantFrom(...views), unread: fc.constantFrom(null, true, false) });

/** A list by label, by assignee or by both is what looking at each thread of the list finds, in its order, on pages of two and the rest. */
const expectChoices = async (instance: Instance, { view, unread }: typeof chosenList extends fc.Arbitrary<infer L> ? L : never) => {
  const on = await marks(instance);
  const all = await ids(instance, view, { unread });
  for (const chosen of [{ label: label(0) }, { assignee: user(1) }, { label: label(1), assignee: user(0) }]) {
    const expected = all.filter((threadId) =>
      Object.entries(chosen).every(([kind, value]) =>
        on.some((mark) => mark.threadId === threadId && mark[kind as 'label' | 'assignee'] === value),
      ),
    );
    const found = await list(instance, view, { unread, ...chosen, limit: 2 });
    const [first, second] = found.map(({ keyAt: at, keyPosition: position }) => ({ at, position }));
    const walk = first === undefined || second === undefined ? null : { began: first, after: second };
    const rest = walk === null ? [] : await list(instance, view, { unread, ...chosen, walk });
    expect({ view, unread, chosen, found: [...found, ...rest].map(({ threadId }) => threadId) }).toEqual({
      view,
      unread,
      chosen,
      found: expected,
    });
  }
};

describe('the threads', () => {
  it('folds a thread from its emails', async () => {
    const instance = await given([
      filed(1, 1),
      filed(2, 1, { direction: 'out', place: 'sent', content: mailContent('Re: Mail 1', 'team@tidings.test', 'Answer') }),
      filed(3, 1, { content: { ...mailContent('Re: Mail 1', 'From1@y.test', 'Thanks \u0000'), hasAttachments: true } }),
      filed(9, 1, { mailboxId: other }),
    ]);
    expect(await one(instance, 1)).toMatchObject({
      id: thread(1),
      subject: 'Mail 1',
      snippet: 'Thanks ',
      participants: [
        { name: null, email: 'from1@y.test' },
        { name: null, email: 'team@tidings.test' },
      ],
      messageCount: 3,
      firstMessageAt: '2026-01-01T00:00:01.000Z',
      lastMessageAt: '2026-01-01T00:00:03.000Z',
      unread: true,
      unreadCount: 2,
      hasAttachments: true,
      archived: false,
      access: [{ mailboxId: team, role: 'editor' }],
    });
  });

  it('reads up to an email, and what comes later is unread', async () => {
    const instance = await given([filed(1, 1), filed(2, 1), filed(3, 1), read(1, 2), filed(4, 1)]);
    expect(await one(instance, 1)).toMatchObject({ unreadCount: 2 });
    expect(await one(await given([filed(1, 1), read(1, 1)], 10), 1)).toMatchObject({ unread: false });
    expect(await one(await given([filed(1, 1), filed(2, 1), read(1, 2), read(1, null)]), 1)).toMatchObject({ unreadCount: 2 });
  });

  it('puts threads into views by where their emails lie', async () => {
    const instance = await given([
      ...[1, 2, 3, 4, 5].map((n) => filed(n, n)),
      filed(6, 6, { direction: 'out', place: 'sent' }),
      filed(7, 7, { place: 'spam' }),
      moved(2, [2], 'archive'),
      moved(3, [3], 'trash'),
      filed(8, 3), // an answer to what was trashed
      starred(4, true),
      moved(4, [4], 'trash'),
      starred(5, true),
      read(5, 5),
    ]);
    expect(await ids(instance, 'inbox')).toEqual([thread(3), thread(5), thread(1)]);
    expect(await ids(instance, 'all')).toEqual([thread(3), thread(6), thread(5), thread(2), thread(1)]);
    expect(await ids(instance, 'archive')).toEqual([thread(2)]);
    expect(await ids(instance, 'trash')).toEqual([thread(3), thread(4)]);
    expect(await ids(instance, 'spam')).toEqual([thread(7)]);
    expect(await ids(instance, 'sent')).toEqual([thread(6)]);
    expect(await ids(instance, 'starred')).toEqual([thread(5)]);
    expect(await ids(instance, 'drafts')).toEqual([]);
    expect(await ids(instance, 'inbox', { unread: true })).toEqual([thread(3), thread(1)]);
    expect(await ids(instance, 'inbox', { unread: false })).toEqual([thread(5)]);
    expect(await one(instance, 3)).toMatchObject({ messageCount: 1, unreadCount: 1, trashed: false });
    expect(await one(instance, 4)).toMatchObject({ messageCount: 1, unreadCount: 1, trashed: true, starred: true });
    expect(await counts(instance)).toMatchObject({
      inbox: { threads: 3, unread: 2 },
      all: { threads: 5, unread: 3 },
      starred: { threads: 1, unread: 0 },
      trash: { threads: 2, unread: 2 },
      spam: { threads: 1, unread: 1 },
    });
  });

  it('lets mail that goes straight to spam bring nothing up', async () => {
    const instance = await given([filed(1, 1), filed(2, 2), filed(3, 1, { place: 'spam' })]);
    expect(await ids(instance, 'inbox')).toEqual([thread(2), thread(1)]);
    expect(await one(instance, 1)).toMatchObject({ snippet: 'About Mail 1', messageCount: 1 });
  });

  it('holds long threads in parts, alike however they came', async () => {
    const numbers = Array.from({ length: 150 }, (_, n) => n);
    const events = [...numbers.map((n) => filed(n, 1)), moved(1, numbers.slice(60, 70), 'trash'), read(1, 140), filed(150, 1)];
    const instance = await given(events, 40);
    expect(await one(instance, 1)).toMatchObject({ messageCount: 141, unreadCount: 10 });
    expect(await counts(instance)).toMatchObject({ inbox: { threads: 1, unread: 1 }, trash: { threads: 1, unread: 0 } });
    for (const pageSize of [1, 500]) expect(await (await given(events, pageSize)).dump()).toEqual(await instance.dump());
  });

  it('lists and counts what bears a label, and forgets labels and people that are gone', async () => {
    const events = [
      ...[
        filed(1, 1),
        filed(2, 2),
        filed(3, 3),
        labelled(1, 1),
        labelled(2, 1),
        labelled(2, 2),
        labelled(9, 1),
        assigned(2, 0),
        read(1, 1),
      ],
      ...[filed(4, 2, { place: 'spam' }), filed(5, 1), moved(1, [1, 5], 'archive')],
    ];
    const gone: readonly TidingsEvent[] = [
      { type: 'LabelDeleted', data: { mailboxId: team, labelId: label(1), by: ada } },
      { type: 'SubjectErased', data: { userId: user(0), by: ada } },
    ];
    for (const pageSize of [1, 3, 500]) {
      const instance = await given(events, pageSize);
      expect(await ids(instance, 'all', { label: label(1) })).toEqual([thread(1), thread(2)]);
      expect(await ids(instance, 'inbox', { label: label(1) })).toEqual([thread(2)]);
      expect(await ids(instance, 'spam', { label: label(1), unread: true })).toEqual([thread(2)]);
      expect(await ids(instance, 'all', { label: label(2), assignee: user(0) })).toEqual([thread(2)]);
      expect(await bench.read.any(assignedTo(instance.schema, user(0), null, 9))).toEqual([{ threadId: thread(2) }]);
      expect((await labelCounts(instance)).find(({ id }) => id === label(1))).toEqual({ id: label(1), threads: 2, unread: 2 });
      const after = await given([...events, ...gone], pageSize);
      expect(await ids(after, 'all', { label: label(1) })).toEqual([]);
      expect(await ids(after, 'all', { label: label(2) })).toEqual([thread(2)]);
      expect(await ids(after, 'all', { assignee: user(0) })).toEqual([]);
      expect(await labelCounts(after)).toEqual([{ id: label(2), threads: 1, unread: 1 }]);
      const closed = await given([...events, { type: 'MailboxClosed', data: { mailboxId: team, by: ada } }], pageSize);
      expect(await closed.dump()).toEqual([]);
    }
  });

  it('copes with erased mail', async () => {
    const instance = await given([filed(1, 1, { content: SHREDDED, envelope: SHREDDED }), filed(2, 1)]);
    expect(await one(instance, 1)).toMatchObject({ subject: '', snippet: 'About Mail 2', messageCount: 2 });
  });

  it('is the same whatever the pages, and counts what it lists', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), chosenList, async (steps, pageSize, chosen) => {
        const events = storyOf(steps);
        const instance = await given(events, pageSize);
        expect(await (await given(events, 500)).dump()).toEqual(await instance.dump());
        await expectChoices(instance, chosen);
        const counted = await counts(instance);
        expect(await labelCounts(instance)).toEqual(await countedAfresh(instance));
        for (const view of views) {
          const [all, unread] = await Promise.all([ids(instance, view), ids(instance, view, { unread: true })]);
          expect({ view, threads: all.length, unread: unread.length }).toEqual({ view, ...(counted?.[view] ?? { threads: 0, unread: 0 }) });
        }
      }),
      { numRuns: 15 },
    );
  });

  it('pages without skipping or repeating while mails arrive, also within one instant', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(15), { minLength: 1, maxLength: 40 }),
        fc.array(fc.array(fc.nat(25), { maxLength: 4 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(0, 0.4, 1000),
        async (before, arrivals, limit, everyMs) => {
          const all = [...before, ...arrivals.flat()].map((of, n) => filed(n, of));
          const log = recorded(decided(all), everyMs);
          const instance = await bench.fresh(threads);
          await instance.apply(log.slice(0, before.length));
          const expected = await ids(instance, 'inbox');

          const met: ThreadId[] = [];
          let applied = before.length;
          const walks: Walk[] = [];
          for (let page = 0; ; page += 1) {
            const walk = walks.at(-1) ?? null;
            const found = await list(instance, 'inbox', { walk, limit });
            met.push(...found.map(({ threadId }) => threadId));
            const [first, last] = [found[0], found.at(-1)];
            if (first === undefined || last === undefined || found.length < limit) break;
            const after = { at: last.keyAt, position: last.keyPosition };
            walks.push({ began: walk?.began ?? { at: first.keyAt, position: first.keyPosition }, after });
            const arrived = arrivals[page]?.length ?? 0;
            await instance.apply(log.slice(applied, applied + arrived));
            applied += arrived;
          }
          expect(met).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** Numbers that `storyOf` makes a story of that the decisions would allow. */
const step = fc.record({
  what: fc.constantFrom('file', 'file', 'file', 'read', 'unread', 'move', 'star', 'unstar', 'label', 'unlabel', 'assign', 'unassign'),
  thread: fc.nat(4),
  pick: fc.nat(50),
  place: fc.constantFrom<Place>('inbox', 'archive', 'spam', 'trash', 'sent'),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const storyOf = (steps: readonly Step[]): readonly TidingsEvent[] => {
  const held = new Map<number, number[]>();
  return steps.flatMap(({ what, thread: of, pick, place }, n): readonly TidingsEvent[] => {
    const emails = held.get(of) ?? [];
    const picked = emails[pick % Math.max(1, emails.length)];
    if (what === 'file' || picked === undefined) {
      held.set(of, [...emails, n]);
      return [filed(n, of, { place, direction: place === 'sent' ? 'out' : 'in' })];
    }
    switch (what) {
      case 'read':
        return [read(of, picked)];
      case 'unread':
        return [read(of, null)];
      case 'move':
        return [moved(of, emails.slice(0, 1 + (pick % emails.length)), place)];
      case 'star':
      case 'unstar':
        return [starred(of, what === 'star')];
      case 'label':
      case 'unlabel':
        return [labelled(of, pick % 2, what === 'label')];
      case 'assign':
      case 'unassign':
        return [assigned(of, pick % 2, what === 'assign')];
    }
  });
};
