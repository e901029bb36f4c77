import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { MailMapped } from '@tidings/contracts/events/gateway';
import { type ConversationId, derivedId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Instance, openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { lastMailedTo, mappings, mappingsFor, mappingsOf, type Sought } from './index.ts';

const [ada, bob] = ['ada', 'bob'].map((name) => derivedId<UserId>(name)) as [UserId, UserId];
const [room, other] = ['room', 'other'].map((name) => derivedId<ConversationId>(name)) as [ConversationId, ConversationId];

const mapped = (id: string, data: Partial<MailMapped['data']> = {}): TidingsEvent => ({
  type: 'MailMapped',
  data: {
    ...{ conversationId: room, direction: 'out', userId: ada, emailMessageId: `<${id}@x>`, senderEmail: 'ada@example.org' },
    ...{ subjectNormalized: 'the fair', replyToToken: null, strategy: 'sent', sureness: 'certain', disagreeing: [] },
    ...{ messageId: null, mailId: null },
    ...data,
  },
});
const erased: TidingsEvent = { type: 'SubjectErased', data: { userId: ada, by: bob } };

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());
const given = async (events: readonly TidingsEvent[], pageSize = 100): Promise<Instance> => {
  const instance = await bench.fresh(mappings);
  await instance.apply(recorded(events), pageSize);
  return instance;
};
const ids = (found: readonly { readonly emailMessageId: string | null }[]) => found.map(({ emailMessageId }) => emailMessageId);

const found = async (schema: string, sought: Partial<Sought>): Promise<readonly string[]> => {
  const all = { messageIds: [], sender: 'ada@example.org', subject: '', since: timestamp(0), ...sought };
  return (await bench.read.any(mappingsFor(schema, all))).map(({ by, emailMessageId }) => `${by} ${emailMessageId}`);
};

describe('mappings', () => {
  it('are found by Message-ID, by sender and subject, and by conversation', async () => {
    const { schema } = await given([mapped('1'), mapped('2', { conversationId: other }), mapped('3'), mapped('4', { userId: bob })]);
    expect(ids(await bench.read.any(mappingsOf(schema, room, 10)))).toEqual(['<1@x>', '<3@x>', '<4@x>']);
    expect(ids(await bench.read.any(mappingsOf(schema, room, 1)))).toEqual(['<1@x>']);
    expect(await found(schema, { messageIds: ['<2@x>', '<1@x>', '<none@x>'] })).toEqual(['id <2@x>', 'id <1@x>']);
    expect(ids(await bench.read.any(lastMailedTo(schema, room, ada)))).toEqual(['<3@x>']);
  });

  it('are found by sender and subject within a time, the newest first', async () => {
    const { schema } = await given([mapped('1'), mapped('2', { conversationId: other }), mapped('3', { senderEmail: 'bob@example.org' })]);
    const since = (ms: number) => timestamp(Date.UTC(2026, 0, 1) + ms);
    expect(await found(schema, { subject: 'the fair', since: since(0) })).toEqual(['subject <2@x>']);
    expect(await found(schema, { subject: 'the fair', since: since(2_000) })).toEqual(['subject <2@x>']);
    expect(await found(schema, { subject: 'the fair', since: since(2_001) })).toEqual([]);
    expect(await found(schema, { subject: 'another', since: since(0) })).toEqual([]);
  });

  it('forget who is erased, as in a replay that cannot read them', async () => {
    const hidden = { emailMessageId: SHREDDED, senderEmail: SHREDDED, subjectNormalized: SHREDDED };
    const live = await (await given([mapped('1'), mapped('2', { userId: bob }), erased])).dump();
    expect(await (await given([mapped('1'), mapped('2', { userId: bob }), erased], 1)).dump()).toEqual(live);
    expect(await (await given([mapped('1', hidden), mapped('2', { userId: bob }), erased])).dump()).toEqual(live);
  });
});
