/** What comes back about mail that went out, by the wire it comes by: reports of other servers, complaints, and what strangers make up. */
import type { Draft, Sending } from '@tidings/contracts/http/drafts';
import type { Delivery, Email, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { conflict, invalid, type MailTown, missing, openMailTown } from './mail-kit.ts';

const soon = { timeout: 30_000, interval: 30 };
let sink: Sink;
let town: MailTown<'alice' | 'bob' | 'mallory'>;
let team: string;

beforeAll(async () => {
  sink = await startSink();
  town = await openMailTown(['alice', 'bob', 'mallory'], { SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}` });
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

  it('tells of nobody at another domain, whose server knows another path', async () => {
    const { emailId } = await send('two domains', 'bob@example.org', 'carol@example.org', 'dave@example.com');
    const pathTo = (domain: string): string =>
      sink.mails.findLast(({ to, data }) => data.includes('Subject: two domains') && to.every((one) => one.endsWith(`@${domain}`)))?.from ??
      '';
    const failed = (...addresses: readonly string[]): string =>
      report('delivery-status', status(...addresses.map((address) => [address, 'failed', '5.1.1', '550 no'])));
    await comeBack(failed('dave@example.com', 'carol@example.org'), pathTo('example.org'));
    await settled(emailId, 'delivered', 'failed', 'delivered');
    await comeBack(failed('dave@example.com'), pathTo('example.com'));
    await settled(emailId, 'delivered', 'failed', 'failed');
    expect(await deliveries(emailId)).toMatchObject([{ report: null }, { report: { fate: 'failed' } }, { report: { fate: 'failed' } }]);
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

it('a mail to oneself is in the inbox as well as among what was sent, in one thread', async () => {
  const { emailId } = await (async () => {
    const { alice } = town.as;
    const { id } = await alice.ask<Draft>('POST', `/api/mailboxes/${team}/drafts`, {
      subject: 'to us',
      to: [{ email: 'team@tidings.test' }],
    });
    const sent = await alice.ask<typeof Sending._A>('POST', `/api/drafts/${id}/send`, { undoSeconds: 0 });
    await settled(sent.emailId, 'internal');
    return sent;
  })();
  await vi.waitFor(async () => expect(await inbox()).toContain('to us'), soon);
  const { threadId } = await town.as.alice.ask<Email>('GET', `/api/emails/${emailId}`);
  const path = `/api/threads/${threadId}/messages?mailboxId=${team}`;
  const { content } = await town.as.alice.ask<MailPage<Email>>('GET', path);
  expect(content.map(({ direction }) => direction)).toEqual(['out', 'in']);
});

const mailboxOf = async (who: 'alice' | 'bob'): Promise<string> => (await town.as[who].ask<Me>('GET', '/api/me')).mailboxes[0]?.id ?? '';
const threadsOf = async (who: 'alice' | 'bob', view: string): Promise<readonly Thread[]> =>
  (await town.as[who].ask<MailPage<Thread>>('GET', `/api/mailboxes/${await mailboxOf(who)}/threads?view=${view}`)).content;
const mails = (to: string) => sink.mails.filter((mail) => mail.to.includes(to));

describe('a mailbox that answers by itself', () => {
  const away = { subject: 'Away', text: 'Back on Monday.', html: '<p>Back on <b>Monday</b>.</p>' };

  it('answers people once a day, from the null sender, and stays unread', async () => {
    const { alice } = town.as;
    const mailbox = await mailboxOf('alice');
    const path = `/api/mailboxes/${mailbox}/autoreply`;
    expect(await alice.refused('GET', path)).toEqual(missing);
    expect(await alice.refused('PUT', path, {})).toEqual(invalid('text'));
    expect(await alice.refused('PUT', path, { text: 'x', schedule: { type: 'weekly', timeZone: 'Mars/Base', hours: [] } })).toEqual(
      invalid('schedule.timeZone', 'schedule.hours'),
    );
    expect(await alice.ask('PUT', path, away)).toMatchObject({ ...away, isActiveNow: true, schedule: { type: 'always' } });
    expect(await alice.ask('GET', path)).toMatchObject({ ...away, isActive: true, isActiveNow: true });

    const first = await town.send('alice', {
      from: 'Zoe <zoe@elsewhere.test>',
      to: 'alice@tidings.test',
      subject: 'Lunch?',
      messageId: '<lunch@elsewhere.test>',
      text: 'x',
    });
    await vi.waitFor(() => expect(mails('zoe@elsewhere.test')).toHaveLength(1), soon);
    const [answer] = mails('zoe@elsewhere.test');
    expect(answer).toMatchObject({ from: '', to: ['zoe@elsewhere.test'] });
    for (const line of [
      /^Subject: Away\r?$/m,
      /^Auto-Submitted: auto-replied\r?$/m,
      /^In-Reply-To: <lunch@elsewhere\.test>\r?$/m,
      /^Precedence: bulk\r?$/m,
    ])
      expect(answer?.data).toMatch(line);
    const thread = `/api/threads/${first.threadId}`;
    await vi.waitFor(async () => {
      const { content } = await alice.ask<MailPage<Email>>('GET', `${thread}/messages?mailboxId=${mailbox}`);
      expect(content.map(({ direction }) => direction)).toEqual(['in', 'out']);
    }, soon);
    expect(await alice.ask<Thread>('GET', `${thread}?mailboxId=${mailbox}`)).toMatchObject({ unread: true });

    await town.send('alice', { from: 'zoe@elsewhere.test', to: 'alice@tidings.test', subject: 'And now?', text: 'x' });
    await town.send('alice', {
      from: 'list@elsewhere.test',
      to: 'alice@tidings.test',
      text: 'x',
      headers: { 'List-Id': '<l.elsewhere.test>' },
    });
    await town.send('alice', { from: 'Yan <yan@elsewhere.test>', to: 'alice@tidings.test', subject: 'Last', text: 'x' });
    // What came before it was looked at before it.
    await vi.waitFor(() => expect(mails('yan@elsewhere.test')).toHaveLength(1), soon);
    expect([mails('zoe@elsewhere.test').length, mails('list@elsewhere.test').length]).toEqual([1, 0]);
  });

  it('ends at once when it meets another one', async () => {
    const { bob, alice } = town.as;
    await bob.ask('PUT', `/api/mailboxes/${await mailboxOf('bob')}/autoreply`, { text: 'Bob is away.' });
    const { id } = await alice.ask<Draft>('POST', `/api/mailboxes/${await mailboxOf('alice')}/drafts`, {
      ...{ subject: 'Ping', text: 'x', to: [{ email: 'bob@tidings.test' }] },
    });
    await alice.ask('POST', `/api/drafts/${id}/send`, { undoSeconds: 0 });
    await vi.waitFor(async () => expect((await threadsOf('alice', 'inbox')).map(({ subject }) => subject)).toContain('Ping'), soon);
    const [ping] = (await threadsOf('alice', 'inbox')).filter(({ subject }) => subject === 'Ping');
    expect(ping).toMatchObject({ messageCount: 2 });
    // A mail that is answered shows that everything before it was looked at.
    await town.send('alice', { from: 'Xia <xia@elsewhere.test>', to: 'alice@tidings.test', subject: 'Fence', text: 'x' });
    await vi.waitFor(() => expect(mails('xia@elsewhere.test')).toHaveLength(1), soon);
    const bobs = await threadsOf('bob', 'inbox');
    expect(bobs.map(({ subject, messageCount }) => [subject, messageCount])).toEqual([['Ping', 2]]);
    for (const who of ['alice', 'bob'] as const) await town.as[who].ask('DELETE', `/api/mailboxes/${await mailboxOf(who)}/autoreply`);
    expect(await alice.refused('GET', `/api/mailboxes/${await mailboxOf('alice')}/autoreply`)).toEqual(missing);
  });
});

it('a receipt goes out only when who reads the mail agrees, and never where the mailbox says so', async () => {
  const { alice } = town.as;
  const mailboxId = await mailboxOf('alice');
  const headers = { 'Disposition-Notification-To': 'Wim <wim@elsewhere.test>' };
  const mail = { from: 'Wim <wim@elsewhere.test>', to: 'alice@tidings.test', text: 'x' };
  const asks = async (subject: string): Promise<Email> =>
    town.send('alice', { ...mail, subject, messageId: `<${subject}@elsewhere.test>`, headers });
  const answer = ({ id }: Email) => `/api/emails/${id}/receipt`;
  const [yes, no] = [await asks('Receipt-yes'), await asks('Receipt-no')];
  expect(yes.receiptRequest).toEqual({ to: [{ name: 'Wim', email: 'wim@elsewhere.test' }], answer: null });
  const silent = await town.send('alice', { ...mail, subject: 'No receipt' });
  expect(silent.receiptRequest).toBeNull();
  expect(await alice.refused('POST', answer(silent), { mailboxId, send: true })).toEqual(conflict);
  expect(await town.as.mallory.refused('POST', answer(yes), { mailboxId, send: true })).toEqual(missing);

  expect(await alice.ask('POST', answer(no), { mailboxId, send: false })).toEqual({ answer: 'declined' });
  expect(await alice.refused('POST', answer(no), { mailboxId, send: true })).toEqual(conflict);
  await alice.ask('PUT', `/api/mailboxes/${mailboxId}/receipts`, { policy: 'never' });
  expect(await alice.refused('POST', answer(yes), { mailboxId, send: true })).toEqual(conflict);
  await alice.ask('PUT', `/api/mailboxes/${mailboxId}/receipts`, { policy: 'ask' });
  expect(await alice.ask('POST', answer(yes), { mailboxId, send: true })).toEqual({ answer: 'sent' });
  expect((await alice.ask<Email>('GET', `/api/emails/${yes.id}`)).receiptRequest).toMatchObject({ answer: 'sent' });
  await vi.waitFor(() => expect(mails('wim@elsewhere.test')).toHaveLength(1), soon);
  const [receipt] = mails('wim@elsewhere.test');
  expect(receipt?.from).toBe('');
  expect(receipt?.data).toMatch(/report-type=disposition-notification/);
  for (const line of [/^Original-Message-ID: <Receipt-yes@elsewhere\.test>\r?$/m, /^Final-Recipient: rfc822;alice@tidings\.test\r?$/m])
    expect(receipt?.data).toMatch(line);
});
