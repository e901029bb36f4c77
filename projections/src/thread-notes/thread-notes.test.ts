import type { TidingsEvent } from '@tidings/contracts/events/index';
import { type CommentId, derivedId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED, type Sealed } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { commentById, notesOf, threadNotes } from './index.ts';

const [ada, bob] = ['ada', 'bob'].map((name) => derivedId<UserId>(name)) as [UserId, UserId];
const threadId = derivedId<ThreadId>('thread');
const mailboxIds = [derivedId<MailboxId>('mailbox')];
const idOf = (n: number): CommentId => derivedId<CommentId>('comment', n);

const about = (n: number, by = ada) => ({ commentId: idOf(n), threadId, mailboxIds, by });
const posted = (n: number, content: Sealed<string>, by = ada): TidingsEvent => ({
  type: 'CommentPosted',
  data: { ...about(n, by), content, mentions: [bob], postedAt: timestamp(0) },
});
const edited = (n: number, content: Sealed<string>): TidingsEvent => ({
  type: 'CommentEdited',
  data: { ...about(n), content, mentions: [] },
});
const deleted = (n: number): TidingsEvent => ({ type: 'CommentDeleted', data: about(n) });
const assigned = (userId: UserId, by: UserId): TidingsEvent => ({ type: 'ThreadAssigned', data: { threadId, mailboxIds, userId, by } });
const unassigned = (userId: UserId, by: UserId | null): TidingsEvent => ({
  type: 'ThreadUnassigned',
  data: { threadId, mailboxIds, userId, by },
});
const erased = (userId: UserId): TidingsEvent => ({ type: 'SubjectErased', data: { userId, by: bob } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], everyMs?: number, pageSize = 100): Promise<Instance> => {
  const instance = await bench.fresh(threadNotes);
  await instance.apply(recorded(events, everyMs), pageSize);
  return instance;
};
const listed = async ({ schema }: Instance) =>
  (await bench.read.any(notesOf(schema, threadId, null, 10))).map(({ kind, content, userId, by }) => [kind, content ?? userId, by]);

describe('notes', () => {
  it('are comments as they read now', async () => {
    const instance = await given([posted(1, 'One\u0000'), posted(2, 'Two'), edited(1, 'First'), deleted(2)]);
    expect(await listed(instance)).toEqual([['comment', 'First', ada]]);
    expect(await bench.read.any(commentById(instance.schema, idOf(1)))).toMatchObject([{ mentions: [], editedAt: expect.any(String) }]);
    expect(await bench.read.any(commentById(instance.schema, idOf(2)))).toEqual([]);
  });

  it('are who took care, but for slips', async () => {
    const story = [assigned(bob, ada), unassigned(bob, ada), assigned(bob, ada), unassigned(bob, bob), unassigned(ada, null)];
    const [first, last, end] = [
      ['assigned', bob, ada],
      ['unassigned', bob, bob],
      ['unassigned', ada, null],
    ];
    expect(await listed(await given(story))).toEqual([first, last, end]);
    expect(await listed(await given(story, 120_001))).toEqual([first, ['unassigned', bob, ada], first, last, end]);
  });

  it('lose the words of who is erased, as in a replay that cannot read them', async () => {
    const story = (said: (words: string) => Sealed<string>) => [
      posted(1, said('a')),
      edited(1, said('b')),
      posted(2, 'c', bob),
      erased(ada),
    ];
    const live = await (await given(story((words) => words))).dump();
    expect(
      await (
        await given(
          story((words) => words),
          1000,
          1,
        )
      ).dump(),
    ).toEqual(live);
    expect(await (await given(story(() => SHREDDED))).dump()).toEqual(live);
  });
});
