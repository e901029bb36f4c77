/** Mail on its way out, as the sender and the other server see it; and what is left of it when egress is killed at any moment. */
import type { Delivery, Email, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { childPid } from '../kit/child-pid.ts';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { conflict, forbidden, missing, type MailTown, openMailTown } from './mail-kit.ts';

const soon = { timeout: 30_000, interval: 30 };
let sink: Sink;
let town: MailTown<'alice' | 'bob' | 'vera' | 'mallory'>;
let team: string;

beforeAll(async () => {
  sink = await startSink();
  town = await openMailTown(['alice', 'bob', 'vera', 'mallory'], {
    PROCESSES: 'several', // one of them is killed
    SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}`,
    EGRESS_RETRY_SCHEDULE: '1h',
    EGRESS_SESSIONS_PER_DESTINATION: '4',
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

/** A whole message, accepted by the API. @returns its email's id */
const submit = async (subject: string, recipients: readonly string[]): Promise<string> => {
  const answer = await fetch(`${town.program.httpUrl}/api/mailboxes/${team}/submit`, {
    method: 'POST',
    body: `From: team@tidings.test\r\nTo: ${recipients.join(', ')}\r\nSubject: ${subject}\r\n\r\nHello\r\n`,
    headers: { authorization: `Bearer ${town.as.alice.token}`, 'content-type': 'message/rfc822', 'x-rcpt-to': recipients.join(', ') },
  });
  const said = await answer.text();
  expect([answer.status, answer.status === 202 ? '' : said]).toEqual([202, '']);
  return (JSON.parse(said) as { readonly emailId: string }).emailId; // the contract of the route
};

const send = async (subject: string, recipients: readonly string[]): Promise<Sent> => {
  const emailId = await submit(subject, recipients);
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

it('killed at any moment, egress loses nobody, and says of whom nobody knows', async () => {
  // Slow enough that a kill finds some of them in every state.
  const pause = (): Promise<string> => delay(20).then(() => '250 2.0.0 taken');
  sink.play({ onMessage: pause });
  const flood: { readonly emailId: string; readonly address: string }[] = [];
  const queueing = (async () => {
    for (let n = 0; n < 150; n += 1) {
      const address = `r${n}@flood.example`;
      flood.push({ emailId: await submit(`flood ${n}`, [address]), address });
    }
  })();
  for (let kills = 0; kills < 3;) {
    await delay(300 + Math.random() * 500);
    const pid = childPid(town.program.pid, 'egress');
    if (pid === null) continue;
    process.kill(pid, 'SIGKILL');
    kills += 1;
  }
  await queueing;
  const told = await Promise.all(
    flood.map((mail) =>
      vi.waitFor(
        async () => {
          const [delivery] = await deliveries(mail);
          expect(['delivered', 'unknown']).toContain(delivery?.status);
          return delivery?.status;
        },
        { timeout: 120_000, interval: 1_000 },
      ),
    ),
  );
  const got = Map.groupBy(
    sink.mails.flatMap(({ to }) => to).filter((to) => to.endsWith('@flood.example')),
    (to) => to,
  );
  for (const [n, { address }] of flood.entries()) {
    const times = got.get(address)?.length ?? 0;
    // What is told as delivered was delivered, once; what nobody knows may be there or not, and never twice.
    if (told[n] === 'delivered') expect([address, times]).toEqual([address, 1]);
    else expect(times).toBeLessThanOrEqual(1);
  }
});
