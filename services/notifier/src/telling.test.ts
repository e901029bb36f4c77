import { derivedId, type MailboxId, type SubscriptionId, type UserId, type WebhookId } from '@tidings/contracts/ids';
import { WebhookCall } from '@tidings/contracts/http/webhooks';
import type { Position } from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import type { Delivery, NewDelivery } from '@tidings/infra/webhooks/deliveries';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { mailboxAudience } from '@tidings/projections/feed/rows';
import type { WebhookRow } from '@tidings/projections/webhooks/index';
import { describe, expect, it } from 'vitest';
import { browserBody, handOff, webhookBody } from './bodies.ts';
import { dueOf } from './due.ts';
import { blockOf, partiesOf, type Blocks } from './recipients.ts';
import { KAFKA_LANE, liveCalls, MOST_TO_USERS, pushCalls, wantsPushes } from './telling.ts';
import type { Targets } from './targets.ts';

const user = (n: number): UserId => derivedId<UserId>('user', n);
const row = (
  type: string,
  index = 0,
  payload = `{"type":"${type}","message":{"msgBody":{"text":"hi"},"senderId":"${user(0)}"}}`,
): FeedRow => ({
  position: '0000000000000007' as Position, // as the Postgres log writes them
  index,
  audience: `room:${user(9)}`,
  type,
  payload,
  recordedAt: timestamp(0),
  leftBefore: [],
  blockedBefore: [],
});
const hook = (name: string, ...events: readonly string[]): WebhookRow => ({
  id: derivedId<WebhookId>('hook', name),
  url: 'https://example.org/',
  events,
  secret: 'secret of sixteen',
  createdBy: user(0),
  createdAt: timestamp(0),
  mailboxId: null,
});
const nobody: Targets = { webhooks: [], browsers: false, kafka: false };
const nobodyBlocks: Blocks = new Set();
const delivery = (made: NewDelivery): Delivery => ({ ...made, attempts: 0, since: timestamp(0), nextAt: timestamp(0) });

describe('calls for live events', () => {
  it('go to the webhooks that named them, with one id for all, and tell nothing of who comes and goes', () => {
    const webhooks = [hook('a', 'ChatMessage'), hook('b', 'ChatMessage', 'NewRoom'), hook('c', 'push.requested')];
    const calls = liveCalls([row('MemberAdded'), row('ChatMessage'), row('UserReadChat', 1)], { ...nobody, webhooks });
    expect(calls.map(({ target, type }) => [target, type])).toEqual([
      [webhooks[0]?.id, 'ChatMessage'],
      [webhooks[1]?.id, 'ChatMessage'],
    ]);
    expect(new Set(calls.map(({ toldId }) => toldId)).size).toBe(1);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  });

  it('go to the webhooks of a mailbox only with what its members are told', () => {
    const [here, there] = [derivedId<MailboxId>('here'), derivedId<MailboxId>('there')];
    const webhooks = [hook('all', 'EmailReceived'), { ...hook('one', 'EmailReceived'), mailboxId: here }];
    const told = (audience: string): readonly string[] =>
      liveCalls([{ ...row('EmailReceived'), audience }], { ...nobody, webhooks }).map(({ target }) => target);
    expect(told(mailboxAudience(here))).toEqual(webhooks.map(({ id }) => id));
    expect(told(mailboxAudience(there))).toEqual([webhooks[0]?.id]);
  });
});

describe('calls for pushes', () => {
  it('hand lists of at most five hundred to Kafka and webhooks, and call browsers themselves', () => {
    const users = Array.from({ length: MOST_TO_USERS + 1 }, (_, n) => user(n + 1));
    const browser = (userId: UserId, name: string) => ({
      id: derivedId<SubscriptionId>('browser', name),
      userId,
      endpoint: `https://${name}.example.net/x`,
      p256dh: '',
      auth: '',
    });
    const browsers = new Map([[user(1), [browser(user(1), 'one'), browser(user(1), 'two')]]]);
    const targets: Targets = { webhooks: [hook('c', 'push.requested'), hook('d', 'ChatMessage')], browsers: true, kafka: true };
    const calls = pushCalls([{ row: row('ChatMessage'), users, withoutQuote: [] }], targets, browsers);
    expect(calls.map(({ lane, type, toUsers }) => [lane, type, toUsers?.length])).toEqual([
      [KAFKA_LANE, 'push.requested', MOST_TO_USERS],
      [`webhook:${targets.webhooks[0]?.id}`, 'push.requested', MOST_TO_USERS],
      [KAFKA_LANE, 'push.requested', 1],
      [`webhook:${targets.webhooks[0]?.id}`, 'push.requested', 1],
      ['push:https://one.example.net', 'ChatMessage', 1],
      ['push:https://two.example.net', 'ChatMessage', 1],
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
    expect(pushCalls([{ row: row('ChatMessage'), users, withoutQuote: [] }], targets, browsers)).toEqual(calls);
  });

  it('are made when anybody wants them', () => {
    expect(wantsPushes(nobody)).toBe(false);
    expect(wantsPushes({ ...nobody, webhooks: [hook('a', 'ChatMessage')] })).toBe(false);
    expect(wantsPushes({ ...nobody, webhooks: [hook('a', 'push.requested')] })).toBe(true);
    expect(wantsPushes({ ...nobody, browsers: true })).toBe(true);
    expect(wantsPushes({ ...nobody, kafka: true })).toBe(true);
  });
});

describe('what is said', () => {
  const live = row('ChatMessage');
  const [told] = liveCalls([live], { ...nobody, webhooks: [hook('a', 'ChatMessage')] }).map(delivery);
  const [pushed] = pushCalls([{ row: live, users: [user(1)], withoutQuote: [] }], { ...nobody, kafka: true }, new Map()).map(delivery);
  if (told === undefined || pushed === undefined) throw new Error('nothing is told');

  it('is the live event as the feed has it, and whom it is for', () => {
    const body: unknown = JSON.parse(webhookBody(told, live));
    expect(WebhookCall.is(body)).toBe(true);
    expect(body).toEqual({
      id: told.toldId,
      type: 'ChatMessage',
      createdAt: live.recordedAt,
      data: { audience: { type: 'room', id: user(9) }, notification: JSON.parse(live.payload) as unknown },
    });
    expect(handOff(pushed, live)).toBe(`{"to_user":["${user(1)}"],"notification":${live.payload}}`);
    expect(JSON.parse(webhookBody(pushed, live))).toMatchObject({ type: 'push.requested', data: { to_user: [user(1)] } });
  });

  it('is nothing to those who should be reached once the message is no more; a webhook of a room keeps the empty place', () => {
    const message = { msgBody: { text: '' }, senderId: user(0) };
    for (const gone of [{ deleted: true }, { erased: true }]) {
      const emptied = { ...live, payload: JSON.stringify({ type: 'ChatMessage', message: { ...message, ...gone } }) };
      expect(dueOf(pushed, emptied, nobodyBlocks).row).toBe(null);
      expect(dueOf(told, emptied, nobodyBlocks).row).toBe(emptied);
    }
  });

  it('is kept from those who blocked its author before it was rewritten', () => {
    const later = { ...live, blockedBefore: [user(1), user(7)] };
    const [toSome] = pushCalls([{ row: live, users: [user(1), user(2)], withoutQuote: [] }], { ...nobody, kafka: true }, new Map()).map(
      delivery,
    );
    if (toSome === undefined) throw new Error('nothing is told');
    expect(dueOf(toSome, later, nobodyBlocks)).toEqual({ delivery: { ...toSome, toUsers: [user(2)] }, row: later });
    expect(dueOf(pushed, later, nobodyBlocks).row).toBe(null);
    expect(dueOf(told, later, nobodyBlocks).row).toBe(later); // a room's webhook is told what its sender said, whoever blocks them
  });

  it.each([
    ['a message', 'ChatMessage', { message: { senderId: user(0), msgBody: { text: 'hi' } } }],
    ['a request', 'FriendRequestReceived', { fromUser: { id: user(0) } }],
    ['a room that was made', 'NewRoom', { room: {}, createdBy: { id: user(0) }, invitedBy: null }],
    ['an invitation', 'NewRoom', { room: {}, createdBy: { id: user(3) }, invitedBy: user(0) }],
  ])('of %s is kept, at a retry, from those who block by then who did it', (_, type, fields) => {
    const live = row(type, 0, JSON.stringify({ type, ...fields }));
    expect(partiesOf(live).by).toBe(user(0));
    const handedTo = (...users: readonly UserId[]): Delivery => {
      const [made] = pushCalls([{ row: live, users, withoutQuote: [] }], { ...nobody, kafka: true }, new Map()).map(delivery);
      if (made === undefined) throw new Error('nothing is told');
      return made;
    };
    const [waiting, alone] = [handedTo(user(1), user(2)), handedTo(user(1))];
    const blocks = new Set([blockOf(user(1), user(0))]);
    expect(dueOf(waiting, live, blocks)).toEqual({ delivery: { ...waiting, toUsers: [user(2)] }, row: live });
    expect(dueOf(alone, live, blocks).row).toBe(null);
    const others = new Set([blockOf(user(0), user(1)), blockOf(user(1), user(3)), blockOf(user(2), user(1))]);
    expect(dueOf(waiting, live, others)).toEqual({ delivery: waiting, row: live });
  });

  it('of a reply is without what it quotes for those who block whom it quotes, in a call of their own', () => {
    const quoting = row(
      'ChatMessage',
      0,
      JSON.stringify({
        type: 'ChatMessage',
        message: {
          senderId: user(0),
          msgType: 'Reply',
          msgBody: { replySenderId: user(3), replyMsgType: 'Text', replyMsgDetails: { text: 'theirs' }, replyText: 'mine' },
        },
        roomPreviewText: { type: 'Reply', sender_username: 'ada', reply_text: 'mine' },
      }),
    );
    const calls = pushCalls([{ row: quoting, users: [user(1)], withoutQuote: [user(2)] }], { ...nobody, kafka: true }, new Map()).map(
      delivery,
    );
    expect(calls.map(({ toUsers }) => toUsers)).toEqual([[user(1)], [user(2)]]);
    expect(new Set(calls.map(({ toldId }) => toldId)).size).toBe(2);
    const blocks = new Set([blockOf(user(2), user(3))]);
    const [whole, less] = calls.map((one) => handOff(one, dueOf(one, quoting, blocks).row ?? quoting));
    expect(whole).toContain(quoting.payload);
    expect(less).not.toContain('theirs');
    expect(less).toContain('"replyText":"mine"');
  });

  it('is kept from those who left before it was rewritten', () => {
    const written = {
      ...row('MessageEdited'),
      payload: JSON.stringify({ type: 'MessageEdited', msgBody: { text: 'later' }, mentions: [user(2)] }),
    };
    const [toAll] = liveCalls([written], { ...nobody, webhooks: [hook('a', 'MessageEdited')] }).map(delivery);
    const toUsers = (...users: readonly UserId[]) =>
      pushCalls([{ row: written, users, withoutQuote: [] }], { ...nobody, kafka: true }, new Map()).map(delivery);
    const [toSome] = toUsers(user(1), user(2));
    const [toGone] = toUsers(user(1));
    if (toAll === undefined || toSome === undefined || toGone === undefined) throw new Error('nothing is told');
    const left = { ...written, leftBefore: [user(1)] };
    expect(dueOf(toSome, written, nobodyBlocks)).toEqual({ delivery: toSome, row: written });
    expect(dueOf(toSome, left, nobodyBlocks)).toEqual({ delivery: { ...toSome, toUsers: [user(2)] }, row: left });
    expect(dueOf(toGone, left, nobodyBlocks).row).toBe(null);
    expect(JSON.parse(dueOf(toAll, left, nobodyBlocks).row?.payload ?? '')).toEqual({
      type: 'MessageEdited',
      msgBody: { text: '' },
      mentions: [],
    });
  });

  it('is short enough for every push service', () => {
    expect(JSON.parse(browserBody(told, live))).toEqual({ id: told.toldId, notification: JSON.parse(live.payload) as unknown });
    const long = row('ChatMessage', 0, JSON.stringify({ type: 'ChatMessage', message: { msgBody: { text: '😀'.repeat(4000) }, seq: 3 } }));
    expect(JSON.parse(browserBody(told, long))).toEqual({
      id: told.toldId,
      truncated: true,
      notification: { type: 'ChatMessage', message: { seq: 3 } },
    });
    const odd = row('NewRoom', 0, JSON.stringify({ type: 'NewRoom', room: 'x'.repeat(5000) }));
    expect(JSON.parse(browserBody(told, odd))).toEqual({ id: told.toldId, truncated: true, notification: { type: 'NewRoom' } });
  });
});
