import type { GatewayMailSettled } from '@tidings/contracts/events/gateway-mail';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { type BlobId, type ConversationId, derivedId, type GatewayMailId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Instance, openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { gatewayFigures, gatewayMailById, gatewayMails, heldMailsOf, lastGatewayMail } from './index.ts';

const [ada, bob] = ['ada', 'bob'].map((name) => derivedId<UserId>(name)) as [UserId, UserId];
const room = derivedId<ConversationId>('room');
const idOf = (n: number): GatewayMailId => derivedId<GatewayMailId>('mail', n);
const claim = { name: 'Bob\u0000', email: 'bob@example.org', subject: 'Re: Fair', preview: 'Yes' };

const received = (n: number): TidingsEvent => ({
  type: 'GatewayMailReceived',
  data: { mailId: idOf(n), door: 'smtp', blobId: 'a'.repeat(64) as BlobId, size: 1, senderId: bob, envelope: SHREDDED, said: null },
});
const settled = (
  n: number,
  outcome: GatewayMailSettled['data']['outcome'],
  more: Partial<GatewayMailSettled['data']> = {},
): TidingsEvent => ({
  type: 'GatewayMailSettled',
  data: {
    ...{ mailId: idOf(n), senderId: bob, outcome, reason: null, conversationId: room, userId: bob, messageIds: [], claim: null },
    ...more,
  },
});
const held = (n: number, shown: GatewayMailSettled['data']['claim'] = claim) =>
  settled(n, 'held', { reason: 'unauthenticated', claim: shown });
const decided = (n: number, type: 'HeldMailConfirmed' | 'HeldMailRefused'): TidingsEvent => ({
  type,
  data: { mailId: idOf(n), senderId: bob, by: ada },
});
const erased: TidingsEvent = { type: 'SubjectErased', data: { userId: bob, by: ada } };

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());
const given = async (events: readonly TidingsEvent[], pageSize = 100): Promise<Instance> => {
  const instance = await bench.fresh(gatewayMails);
  await instance.apply(recorded(events), pageSize);
  return instance;
};

describe('mails of the gateway', () => {
  it('are listed while they are held', async () => {
    const story = [
      received(1),
      received(2),
      received(3),
      held(1),
      held(2),
      held(3),
      decided(2, 'HeldMailRefused'),
      decided(3, 'HeldMailConfirmed'),
    ];
    const { schema } = await given([...story, settled(3, 'posted')]);
    const waiting = await bench.read.any(heldMailsOf(schema, room, 10));
    expect(waiting.map(({ mailId, reason, claim: shown }) => [mailId, reason, shown?.email])).toEqual([
      [idOf(1), 'unauthenticated', 'bob@example.org'],
    ]);
    expect(await bench.read.one(gatewayMailById(schema, idOf(3)))).toMatchObject({ conversationId: room, outcome: 'posted' });
  });

  it('count once, on their day, duplicates never', async () => {
    const outcomes = ['posted', 'filed', 'held', 'loop', 'duplicate', 'refused'] as const;
    const story = outcomes.flatMap((outcome, n) => [received(n), settled(n, outcome)]);
    const { schema } = await given([...story, decided(2, 'HeldMailConfirmed'), settled(2, 'posted')]);
    const since = (ms: number) => timestamp(Date.UTC(2026, 0, 1) + ms);
    expect(await bench.read.one(gatewayFigures(schema, since(0)))).toEqual({ processed: 4, failed: 1 });
    expect(await bench.read.one(gatewayFigures(schema, since(12_000)))).toEqual({ processed: 0, failed: 1 });
    expect(await bench.read.one(lastGatewayMail(schema))).toEqual({ at: since(12_000) });
  });

  it('are the same whatever comes in one page', async () => {
    const story = [received(1), held(1), received(2), held(2), decided(1, 'HeldMailConfirmed'), settled(1, 'held'), settled(1, 'posted')];
    expect(await (await given([...story, erased, settled(2, 'held')])).dump()).toEqual(
      await (await given([...story, erased, settled(2, 'held')], 1)).dump(),
    );
  });

  it('forget who is erased, as in a replay that cannot read them', async () => {
    const live = await (await given([received(1), held(1), erased])).dump();
    expect(await (await given([received(1), held(1), erased], 1)).dump()).toEqual(live);
    expect(await (await given([received(1), held(1, SHREDDED), erased])).dump()).toEqual(live);
  });
});
