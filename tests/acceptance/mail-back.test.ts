/** What comes back about mail that went out, by the wire it comes by: reports of other servers, complaints, and what strangers make up. */
import type { Draft, Sending } from '@tidings/contracts/http/drafts';
import type { Delivery, Email, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { type MailTown, missing, openMailTown } from './mail-kit.ts';

const soon = { timeout: 30_000, interval: 30 };
let sink: Sink;
let town: MailTown<'alice' | 'mallory'>;
let team: string;

beforeAll(async () => {
  sink = await startSink();
  town = await openMailTown(['alice', 'mallory'], { SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}` });
  team = await town.openShared('team', { alice: 'sender' });
});
afterAll(async () => {
  await town.close();
  await sink.close();
});

interface Sent {
  readonly emailId: string;
  /** That the other server was told. */
  readonly returnPath: string;
  /** That it got. */
  readonly data: string;
}

const send = (subject: string, ...to: readonly string[]): Promise<Sent> => sendWith({}, subject, ...to);
const sendWith = async (options: object, subject: string, ...to: readonly string[]): Promise<Sent> => {
  const { alice } = town.as;
  const draft = { subject, text: 'Hello', to: to.map((email) => ({ email })) };
  const { id } = await alice.ask<Draft>('POST', `/api/mailboxes/${team}/drafts`, draft);
  const { emailId } = await alice.ask<typeof Sending._A>('POST', `/api/drafts/${id}/send`, { undoSeconds: 0, ...options });
  await settled(emailId, ...to.map(() => 'delivered'));
  const mail = sink.mails.findLast(({ data }) => data.includes(`Subject: ${subject}`));
  return { emailId, returnPath: mail?.from ?? '', data: mail?.data ?? '' };
};
const deliveries = async (emailId: string): Promise<readonly Delivery[]> => {
  const answer = await town.as.alice.call('GET', `/api/emails/${emailId}/deliveries`);
  return answer.status === 200 ? ((await answer.json()) as { readonly content: readonly Delivery[] }).content : []; // the contract of the route
};
const settled = (emailId: string, ...expected: readonly string[]): Promise<void> =>
  vi.waitFor(async () => expect((await deliveries(emailId)).map(({ status }) => status)).toEqual(expected), soon);

/** Over SMTP, as it stands. @returns the reply */
const comeBack = async (raw: string, to: string, from = ''): Promise<string> => {
  const transport = createTransport({ host: '127.0.0.1', port: town.program.smtpPort, tls: { rejectUnauthorized: false } });
  const answer = transport.sendMail({ envelope: { from, to }, raw });
  return answer.then(
    ({ response }) => response,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
};
const report = (type: string, ...parts: readonly (readonly string[])[]): string =>
  [
    ...['From: MAILER-DAEMON@relay.example.net', 'To: team@tidings.test', 'Subject: Undelivered Mail', 'Auto-Submitted: auto-replied'],
    ...['MIME-Version: 1.0', `Content-Type: multipart/report; report-type=${type}; boundary="r"`, ''],
    ...parts.flatMap(([partType, ...lines]) => ['--r', `Content-Type: ${partType ?? ''}`, '', ...lines, '']),
    ...['--r--', ''],
  ].join('\r\n');
const status = (...recipients: readonly (readonly string[])[]): readonly string[] => [
  ...['message/delivery-status', 'Reporting-MTA: dns; relay.example.net'],
  ...recipients.flatMap(([address, action, code, words]) => [
    ...['', `Final-Recipient: rfc822; ${address ?? ''}`, `Action: ${action ?? ''}`, `Status: ${code ?? ''}`],
    `Diagnostic-Code: smtp; ${words ?? ''}`,
  ]),
];
const inbox = async (): Promise<readonly string[]> =>
  (await town.as.alice.ask<MailPage<Thread>>('GET', `/api/mailboxes/${team}/threads?view=inbox`)).content.map(({ subject }) => subject);

describe('a report that another server sends back', () => {
  it('moves the delivery that it is about, can be read, and is no mail from anybody', async () => {
    const { emailId, returnPath } = await send('to nobody', 'nobody@example.org');
    expect(returnPath).toMatch(/^bounce\+[a-z2-7]{42}@tidings\.test$/);
    const live = await town.listen('alice');
    const raw = report(
      'delivery-status',
      ['text/plain', 'Sorry.'],
      status(['nobody@example.org', 'failed', '5.1.1', '550 5.1.1 Nobody here']),
    );
    expect(await comeBack(raw, returnPath)).toMatch(/^250/);
    await settled(emailId, 'failed');
    const [delivery] = await deliveries(emailId);
    expect(delivery).toMatchObject({
      ...{ lastReply: '550 5.1.1 Nobody here', enhancedCode: '5.1.1', attempts: 1, complaint: null },
      report: { fate: 'failed', by: 'relay.example.net' },
    });
    await live.until(({ types }) => types.includes('DeliveryChanged'));
    live.close();
    const { threadId } = await town.as.alice.ask<Email>('GET', `/api/emails/${emailId}`);
    expect((await town.as.alice.ask<Thread>('GET', `/api/threads/${threadId}?mailboxId=${team}`)).delivery).toBe('failed');

    const path = `/api/emails/${emailId}/deliveries/nobody@example.org/report`;
    const told = await town.as.alice.call('GET', path);
    expect([told.headers.get('content-type'), (await told.text()).trimEnd()]).toEqual(['message/rfc822', raw.trimEnd()]);
    expect(await town.as.mallory.refused('GET', path)).toEqual(missing);
    expect(await inbox()).not.toContain('Undelivered Mail');
  });

  it('tells of several recipients, of delays, and in words for people', async () => {
    const { emailId, returnPath } = await send('to several', 'bob@example.org', 'carol@example.org', 'dave@example.org');
    const both = status(
      ['carol@example.org', 'delayed', '4.4.1', 'connection timed out'],
      ['BOB@example.org', 'failed', '5.2.2', '552 full'],
    );
    await comeBack(report('delivery-status', both), returnPath);
    await settled(emailId, 'failed', 'deferred', 'delivered');
    expect(await deliveries(emailId)).toMatchObject([
      { enhancedCode: '5.2.2' },
      { enhancedCode: '4.4.1', nextAttemptAt: null, lastReply: 'connection timed out' },
      { report: null },
    ]);
    const words = [
      ...['From: MAILER-DAEMON@mx.example.org', 'Subject: failure notice', '', 'Hi. This is the qmail-send program at mx.example.org.'],
      ...[
        "I'm afraid I wasn't able to deliver your message to the following addresses.",
        '',
        '<carol@example.org>:',
        'No such user. (#5.1.1)',
        '',
      ],
    ];
    await comeBack(words.join('\r\n'), returnPath);
    await settled(emailId, 'failed', 'failed', 'delivered');
    expect(await inbox()).not.toContain('failure notice');
  });

  it('is believed only with the return path that the mail went out with', async () => {
    const { emailId, returnPath } = await send('forged', 'bob@example.org');
    const raw = report('delivery-status', status(['bob@example.org', 'failed', '5.1.1', '550 no']), [
      ...['text/rfc822-headers', `Message-ID: <${emailId}@tidings.test>`],
    ]).replace('Undelivered Mail', 'Forged');
    const forged = returnPath.replace(/\+./, ([, letter]) => `+${letter === 'a' ? 'b' : 'a'}`);
    expect(await comeBack(raw, forged)).toContain('5.1.1');
    expect(await comeBack(raw, returnPath, 'mallory@example.org')).toContain('5.1.1');
    // To the mailbox itself it comes as what it is: a mail from a stranger.
    expect(await comeBack(raw, 'team@tidings.test')).toMatch(/^250/);
    await vi.waitFor(async () => expect(await inbox()).toContain('Forged'), soon);
    expect(await deliveries(emailId)).toMatchObject([{ status: 'delivered', report: null }]);
  });

  it('of a complaint is kept beside the delivery, wherever it comes in', async () => {
    const { emailId, returnPath } = await send('annoying', 'bob@example.org');
    const complaint = report(
      'feedback-report',
      ['text/plain', 'A user complained.'],
      [...['message/feedback-report', 'Feedback-Type: abuse', 'User-Agent: Some/1.0', 'Version: 1', `Original-Mail-From: <${returnPath}>`]],
    );
    await comeBack(
      complaint.replace(returnPath, 'bounce+made-up@tidings.test').replace('Undelivered Mail', 'Made up'),
      'alice@tidings.test',
      'fbl@provider.example',
    );
    await comeBack(complaint, 'alice@tidings.test', 'fbl@provider.example');
    await vi.waitFor(async () => {
      expect(await deliveries(emailId)).toMatchObject([{ status: 'delivered', complaint: { feedback: 'abuse', at: expect.any(String) } }]);
    }, soon);
    const counted = async (): Promise<readonly string[]> =>
      (await (await fetch(`${town.program.httpUrl}/metrics`)).text())
        .split('\n')
        .filter((line) => line.startsWith('tidings_mail_reports_total{'));
    await vi.waitFor(async () => expect(await counted()).toContainEqual(expect.stringMatching(/kind="complaint".*\} 1$/)), soon);
  });
});

it('a mail that asks for receipts shows who read it, and nobody else can say so', async () => {
  const { emailId, data, returnPath } = await sendWith({ requestReceipt: true }, 'read me', 'bob@example.org', 'carol@example.org');
  const [, receipts = ''] = /^Disposition-Notification-To:\s+<(receipt\+[a-z2-7]{42}@tidings\.test)>\r?$/m.exec(data) ?? [];
  expect(receipts).not.toBe('');
  const read = report(
    'disposition-notification',
    ['text/plain', 'Carol has read it.'],
    [
      ...['message/disposition-notification', 'Reporting-UA: x; y', 'Final-Recipient: rfc822; carol@example.org'],
      ...[`Original-Message-ID: <${emailId}@tidings.test>`, 'Disposition: manual-action/MDN-sent-manually; displayed'],
    ],
  );
  const bounce = report('delivery-status', status(['bob@example.org', 'failed', '5.1.1', '550 no'])).replace(
    'Undelivered Mail',
    'By a receipt',
  );
  expect(await comeBack(bounce, receipts)).toMatch(/^250/);
  expect(await comeBack(read, receipts.replace(/\+./, '+0'), 'carol@example.org')).toContain('5.1.1');
  expect(await comeBack(read, receipts, 'carol@example.org')).toMatch(/^250/);
  await vi.waitFor(async () => {
    expect(await deliveries(emailId)).toMatchObject([
      { recipient: 'bob@example.org', status: 'delivered', receipt: null },
      {
        recipient: 'carol@example.org',
        status: 'delivered',
        receipt: { disposition: 'displayed', isAutomatic: false, at: expect.any(String) },
      },
    ]);
  }, soon);
  await vi.waitFor(async () => expect(await inbox()).toContain('By a receipt'), soon);
  expect(returnPath).not.toBe(receipts);
});
