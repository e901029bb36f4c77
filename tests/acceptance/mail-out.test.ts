/** Mail on its way out, as the sender and the other server see it. */
import type { Delivery, Email, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { conflict, forbidden, missing, type MailTown, openMailTown, submitMessage } from './mail-kit.ts';

const soon = { timeout: 30_000, interval: 30 };
let sink: Sink;
let town: MailTown<'alice' | 'bob' | 'vera' | 'mallory'>;
let team: string;

beforeAll(async () => {
  sink = await startSink();
  town = await openMailTown(['alice', 'bob', 'vera', 'mallory'], {
    SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}`,
    EGRESS_RETRY_SCHEDULE: '1h',
    RATE_LIMITS: 'off',
  });
  team = await town.openShared('team', { alice: 'sender', vera: 'viewer' });
});
afterAll(async () => {
  await town.close();
  await sink.close();
});

interface Sent {
  readonly emailId: string;
  readonly threadId: string;
}

const send = async (subject: string, recipients: readonly string[]): Promise<Sent> => {
  const emailId = await submitMessage(town, town.as.alice, team, subject, recipients);
  return vi.waitFor(async () => {
    const { threadId } = await town.as.alice.ask<Email>('GET', `/api/emails/${emailId}`);
    return { emailId, threadId };
  }, soon);
};

const deliveries = async ({ emailId }: Pick<Sent, 'emailId'>): Promise<readonly Delivery[]> =>
  (await town.as.alice.ask<{ readonly content: readonly Delivery[] }>('GET', `/api/emails/${emailId}/deliveries`)).content;
const threadOf = ({ threadId }: Sent): Promise<Thread> => town.as.alice.ask<Thread>('GET', `/api/threads/${threadId}?mailboxId=${team}`);
const settled = async (sent: Sent, ...expected: readonly string[]): Promise<void> => {
  await vi.waitFor(async () => expect((await deliveries(sent)).map(({ status }) => status)).toEqual(expected), soon);
};
const act = (sent: Sent, recipient: string, what: string): string =>
  `/api/emails/${sent.emailId}/deliveries/${encodeURIComponent(recipient)}/${what}`;

describe('a mail that was sent', () => {
  it('arrives, inside and outside, and says so for each recipient', async () => {
    const live = await town.listen('alice');
    const sent = await send('both ways', ['grace@navy.example', 'bob@tidings.test', 'nobody@tidings.test']);
    await settled(sent, 'delivered', 'internal', 'failed');
    expect(sink.mails.at(-1)).toMatchObject({ to: ['grace@navy.example'], data: expect.stringContaining('Subject: both ways') });
    expect(await deliveries(sent)).toMatchObject([
      { recipient: 'grace@navy.example', attempts: 1, lastReply: '250 2.0.0 taken', enhancedCode: '2.0.0', mx: '127.0.0.1', tls: null },
      { recipient: 'bob@tidings.test', deliveredAt: expect.any(String) },
      { recipient: 'nobody@tidings.test', lastReply: expect.stringContaining('550 5.1.1'), enhancedCode: '5.1.1' },
    ]);
    expect((await town.as.alice.ask<Email>('GET', `/api/emails/${sent.emailId}`)).deliveries).toHaveLength(3);
    expect((await threadOf(sent)).delivery).toBe('failed');
    await live.until(({ types }) => types.includes('DeliveryChanged'));
    live.close();

    const me = await town.as.bob.ask<{ mailboxes: { id: string }[] }>('GET', '/api/me');
    const inbox = `/api/mailboxes/${me.mailboxes[0]?.id}/threads?view=inbox`;
    await vi.waitFor(
      async () => expect((await town.as.bob.ask<MailPage<Thread>>('GET', inbox)).content).toMatchObject([{ subject: 'both ways' }]),
      soon,
    );
  });

  it('is tried again, cancelled and dismissed by who may send, one recipient at a time', async () => {
    sink.play({
      onRcpt: (to) => (to.startsWith('no') ? '550 5.1.1 unknown' : to.startsWith('later') ? '450 4.2.0 greylisted' : undefined),
    });
    const sent = await send('mixed', ['no@example.org', 'later@example.org', 'later2@example.org', 'yes@example.org']);
    await settled(sent, 'failed', 'deferred', 'deferred', 'delivered');
    const { alice, vera, mallory } = town.as;
    for (const what of ['retry', 'cancel', 'dismiss']) {
      expect(await vera.refused('POST', act(sent, 'no@example.org', what))).toEqual(forbidden);
      expect(await mallory.refused('POST', act(sent, 'no@example.org', what))).toEqual(missing);
    }
    expect(await mallory.refused('GET', `/api/emails/${sent.emailId}/deliveries`)).toEqual(missing);
    expect(await alice.refused('POST', act(sent, 'eve@example.org', 'retry'))).toEqual(missing);
    expect(await alice.refused('POST', act(sent, 'yes@example.org', 'retry'))).toEqual(conflict);
    expect(await alice.refused('POST', act(sent, 'yes@example.org', 'cancel'))).toEqual(conflict);

    expect(await alice.ask('POST', act(sent, 'later2@example.org', 'cancel'))).toMatchObject({ status: 'cancelled', nextAttemptAt: null });
    sink.play({ onRcpt: (to) => (to.startsWith('no') ? '550 5.1.1 unknown' : undefined) });
    await alice.ask('POST', act(sent, 'LATER@example.org', 'retry'));
    await settled(sent, 'failed', 'delivered', 'cancelled', 'delivered');
    expect((await threadOf(sent)).delivery).toBe('failed');
    expect(await alice.ask('POST', act(sent, 'no@example.org', 'dismiss'))).toMatchObject({ status: 'failed', dismissed: true });
    await vi.waitFor(async () => expect((await threadOf(sent)).delivery).toBeNull(), soon);
  });
});
