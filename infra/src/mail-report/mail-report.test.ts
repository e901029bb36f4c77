/** Reports as systems write them, by our own examples and by real ones where the corpora are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readReport } from './read-report.ts';
import { BOUNCES, COPIES, DELAYS, REASONS } from './rules.ts';

const mail = (headers: readonly string[], ...lines: readonly string[]): Buffer => Buffer.from([...headers, '', ...lines, ''].join('\r\n'));
const REPORT = ['Content-Type: multipart/report; report-type=delivery-status; boundary="r"'];
const part = (type: string, ...lines: readonly string[]): readonly string[] => ['--r', `Content-Type: ${type}`, '', ...lines];
const read = (raw: Buffer) => readReport(raw);
const plain = (subject: string, ...lines: readonly string[]) =>
  read(mail(['From: MAILER-DAEMON@mx.example.org', `Subject: ${subject}`], ...lines));

describe('a delivery status notification (RFC 3464)', () => {
  it('tells each recipient’s fate, with the code and the words of the server', async () => {
    const raw = mail(
      REPORT,
      ...part('text/plain', 'Sorry.'),
      ...part(
        'message/delivery-status',
        ...['Reporting-MTA: dns; relay.example.net', 'Arrival-Date: Mon, 2 Nov 2026 10:00:00 +0000', ''],
        ...[
          'Original-Recipient: rfc822;bob@example.org',
          'Final-Recipient: rfc822; robert@inside.example.org',
          'Action: failed',
          'Status: 5.0.0',
        ],
        ...[
          'Remote-MTA: dns; mx.example.org',
          'Diagnostic-Code: smtp; 550 5.1.1',
          '  <robert@inside.example.org> is not',
          '  known here',
          '',
        ],
        ...['Final-Recipient: RFC822; <carol@example.com>', 'Action: delayed (expected)', 'Status: 4.4.1 (no answer)', ''],
        ...['Final-Recipient: rfc822; dave@example.com', 'Action: relayed', 'Status: 2.0.0', ''],
        ...['Final-Recipient: rfc822; list@example.com', 'Action: Expanded', 'Status: 2.0.0', ''],
        ...['Final-Recipient: rfc822; erin@example.com', 'Action: delivered', 'Status: 2.1.5'],
      ),
      ...part('text/rfc822-headers', 'Return-Path: <bounce+x@tidings.test>', 'Message-ID: <one@tidings.test>'),
      '--r--',
    );
    const said = { reply: 'Sorry.', host: 'relay.example.net' };
    expect(await read(raw)).toEqual({
      type: 'fates',
      original: { messageId: 'one@tidings.test', returnPath: 'bounce+x@tidings.test' },
      fates: [
        {
          ...{
            recipients: ['bob@example.org', 'robert@inside.example.org'],
            fate: 'failed',
            enhancedCode: '5.1.1',
            host: 'mx.example.org',
          },
          reply: '550 5.1.1 <robert@inside.example.org> is not known here',
        },
        { recipients: ['carol@example.com'], fate: 'delayed', enhancedCode: '4.4.1', ...said },
        { recipients: ['dave@example.com'], fate: 'relayed', enhancedCode: '2.0.0', ...said },
        { recipients: ['list@example.com'], fate: 'expanded', enhancedCode: '2.0.0', ...said },
        { recipients: ['erin@example.com'], fate: 'delivered', enhancedCode: '2.1.5', ...said },
      ],
    });
  });

  it('is understood where fields are missing, in base64, and with addresses in UTF-8 (RFC 6533)', async () => {
    const fields = ['Final-Recipient: utf-8; Øyvind@example.org', 'Status: 5.2.2', ''].join('\r\n');
    const raw = mail(
      REPORT,
      ...['--r', 'Content-Type: message/global-delivery-status', 'Content-Transfer-Encoding: base64', ''],
      ...[Buffer.from(fields).toString('base64'), '--r--'],
    );
    expect(await read(raw)).toMatchObject({
      fates: [{ recipients: ['Øyvind@example.org'], fate: 'failed', enhancedCode: '5.2.2', host: null }],
    });
  });

  it('without a word about anybody says nothing', async () => {
    const raw = mail(REPORT, ...part('text/plain', 'Hello'), ...part('message/delivery-status', 'Reporting-MTA: dns; x.example'), '--r--');
    expect(await read(raw)).toBeNull();
    expect(
      await read(mail(REPORT, ...part('message/delivery-status', 'Action: failed', 'no field', ': x', '\0\0'), '--r--')),
    ).not.toBeUndefined();
  });
});

describe('a bounce in words', () => {
  const bob = 'bob@example.org';
  it('of qmail', async () => {
    const words = [
      'Hi. This is the qmail-send program at mx.example.org.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
    ];
    const report = await plain(
      'failure notice',
      ...[...words, "This is a permanent error; I've given up. Sorry it didn't work out.", '', `<${bob}>:`],
      ...['Sorry, no mailbox here by that name. (#5.1.1)', '', '--- Below this line is a copy of the message.', ''],
      ...['Return-Path: <bounce+x@tidings.test>', 'Message-ID: <one@tidings.test>', 'To: carol@example.com', '', 'Hello'],
    );
    expect(report).toMatchObject({
      original: { messageId: 'one@tidings.test', returnPath: 'bounce+x@tidings.test' },
      fates: [{ recipients: [bob], fate: 'failed', enhancedCode: '5.1.1', reply: expect.stringContaining('no mailbox here by that name') }],
    });
  });

  it('of Exim, with its own header; and its warnings', async () => {
    const raw = mail(
      [`X-Failed-Recipients: ${bob}, carol@example.com`, 'Subject: Mail delivery failed: returning message to sender'],
      ...[
        'This message was created automatically by mail delivery software.',
        '',
        'A message that you sent could not be delivered to one or more of its',
      ],
      ...['recipients. This is a permanent error. The following address(es) failed:', '', `  ${bob}`, '    Unrouteable address', ''],
      ...['  carol@example.com', '    host mx.example.com [192.0.2.1]: 552 5.2.2 quota', ''],
    );
    expect(await read(raw)).toMatchObject({
      fates: [
        { recipients: [bob], fate: 'failed', enhancedCode: '5.1.2' },
        { recipients: ['carol@example.com'], fate: 'failed', enhancedCode: '5.2.2' },
      ],
    });
    const warning = await plain(
      'Warning: message 1abc-0002 delayed 24 hours',
      ...[
        'A message that you have sent could not be delivered to one or more of its',
        'recipients after more than 24 hours on the queue.',
        '',
      ],
      ...[
        `  ${bob}`,
        '    Delay reason: Connection timed out',
        '',
        'No action is required on your part. Delivery attempts will continue for',
      ],
    );
    expect(warning).toMatchObject({ fates: [{ recipients: [bob], fate: 'delayed', enhancedCode: '4.4.1' }] });
  });

  it.each([
    [
      'Exchange',
      'Undeliverable: x',
      [
        'Your message',
        '',
        '  Subject: x',
        '',
        'did not reach the following recipient(s):',
        '',
        `${bob} on Mon, 2 Nov`,
        '    The recipient name is not recognized',
      ],
      '5.1.1',
    ],
    [
      'Exchange 2007',
      'Undeliverable: x',
      ['Delivery has failed to these recipients or distribution lists:', '', bob, 'The recipient’s mailbox is full.', '#550 5.2.2'],
      '5.2.2',
    ],
    [
      'Postfix',
      'Undelivered Mail',
      ['This is the mail system at host mx.example.org.', '', `<${bob}>: host mx said: 554 5.7.1 no (in reply to DATA)`],
      '5.7.1',
    ],
    [
      'Sendmail',
      'Returned mail',
      ['   ----- The following addresses had permanent fatal errors -----', `<${bob}>`, '    (reason: 550 5.1.1 User unknown)'],
      '5.1.1',
    ],
    [
      'Courier',
      'NOTICE',
      ['Your message to the following recipients cannot be delivered:', '', `<${bob}>:`, '<<< 550 5.1.1 unknown'],
      '5.1.1',
    ],
    [
      'Domino',
      'DELIVERY FAILURE: x',
      [
        'Your message',
        '',
        'was not delivered to:',
        '',
        `  ${bob}`,
        '',
        'because:',
        '',
        `  User bob (${bob}) not listed in Domino Directory`,
      ],
      '5.1.1',
    ],
    [
      'Gmail',
      'Delivery Status Notification (Failure)',
      ['Delivery to the following recipient failed permanently:', '', `     ${bob}`, '', 'Technical details: 550 5.1.1 no such user'],
      '5.1.1',
    ],
    ['IMail', 'Undeliverable Mail', [`Unknown user: ${bob}`, '', 'Original message follows.'], '5.1.1'],
    [
      'GroupWise',
      'Message status - undeliverable',
      ['The message that you sent was undeliverable to the following:', `\t${bob} (mailbox is full)`],
      '5.2.2',
    ],
  ])('of %s', async (_, subject, lines, enhancedCode) => {
    expect(await plain(subject, ...lines)).toMatchObject({ fates: [{ recipients: [bob], fate: 'failed', enhancedCode }] });
  });

  it('is not what people and their programs answer', async () => {
    expect(await plain('Automatic reply: x', 'I am away until Monday, and will read your message then.')).toBeNull();
    expect(await plain('Re: your offer', 'We cannot accept it. bob@example.org can tell you more.')).toBeNull();
  });

  it('is read in time that grows with its length, whatever it holds', async () => {
    for (const piece of ['a@', '-', '- ', '\n\n', 'delivery to ', 'x: y\n', '550 5.', 'message ', 'could not be delivered for '])
      for (const { words } of [
        ...BOUNCES,
        ...DELAYS.map((one) => ({ words: one })),
        ...COPIES.map((one) => ({ words: one })),
        ...REASONS,
      ]) {
        const before = process.cpuUsage();
        words.test(piece.repeat(Math.ceil(32_768 / piece.length)));
        expect([words.source, process.cpuUsage(before).user < 2_000_000]).toEqual([words.source, true]);
      }
  });
});

it('a complaint (RFC 5965) names the original’s return path and recipients; failed proofs of identity are none', async () => {
  const complaint = (type: string) =>
    read(
      mail(
        ['Content-Type: multipart/report; report-type=feedback-report; boundary="r"'],
        ...part('text/plain', 'This is an email abuse report.'),
        ...part(
          'message/feedback-report',
          ...[`Feedback-Type: ${type}`, 'User-Agent: SomeGenerator/1.0', 'Version: 1', 'Original-Mail-From: <bounce+x@tidings.test>'],
          ...['Original-Rcpt-To: <bob@example.org>', 'Original-Rcpt-To: carol@example.org', 'Source-IP: 192.0.2.1'],
        ),
        ...part('message/rfc822', 'Message-ID: <one@tidings.test>', 'Subject: Earn money', '', 'Spam Spam Spam'),
        '--r--',
      ),
    );
  expect(await complaint('abuse')).toEqual({
    ...{ type: 'complaint', feedback: 'abuse', recipients: ['bob@example.org', 'carol@example.org'] },
    original: { messageId: 'one@tidings.test', returnPath: 'bounce+x@tidings.test' },
  });
  expect(await complaint('auth-failure')).toBeNull();
});

it('a receipt (RFC 8098) tells what was done with the mail, and by whom', async () => {
  const receipt = (disposition: string) =>
    read(
      mail(
        ['Content-Type: multipart/report; report-type=disposition-notification; boundary="r"'],
        ...part('text/plain', 'Read.'),
        ...part(
          'message/disposition-notification',
          ...['Reporting-UA: joes-pc.cs.example.com; Foomail 97.1', 'Original-Recipient: rfc822;bob@example.org'],
          ...['Final-Recipient: rfc822;robert@example.org', 'Original-Message-ID: <one@tidings.test>', `Disposition: ${disposition}`],
        ),
        '--r--',
      ),
    );
  expect(await receipt('manual-action/MDN-sent-manually; displayed')).toEqual({
    ...{ type: 'receipt', disposition: 'displayed', isAutomatic: false, recipients: ['bob@example.org', 'robert@example.org'] },
    original: { messageId: 'one@tidings.test', returnPath: null },
  });
  expect(await receipt('automatic-action/MDN-sent-automatically; deleted/error')).toMatchObject({
    disposition: 'deleted',
    isAutomatic: true,
  });
  expect(await receipt('manual-action/MDN-sent-manually; eaten')).toBeNull();
});

const corpus = join(resolve(process.env['MAIL_CORPUS_DIR'] ?? '../shared/corpora'), 'set-of-emails/maildir');

it('real reports of dozens of systems are understood, and answers of people who are away are none', async ({ annotate, skip }) => {
  if (!existsSync(corpus)) skip(`no real reports in ${corpus}`);
  const files = ['bsd', 'dos', 'mac'].flatMap((folder) => readdirSync(join(corpus, folder)).map((name) => join(corpus, folder, name)));
  const readings = await Promise.all(
    files.map(async (file) => {
      const raw = Buffer.from(readFileSync(file, 'latin1').replaceAll(/\r\n|\r|\n/g, '\r\n'), 'latin1');
      return { name: file.slice(corpus.length + 5), report: await readReport(raw) };
    }),
  );
  const bounces = readings.filter(({ name }) => /^(lhost|rhost|rfc3464)-/.test(name));
  const understood = bounces.filter(({ report }) => report?.type === 'fates');
  const named = understood.filter(({ report }) => report?.type === 'fates' && report.fates.some(({ recipients }) => recipients.length > 0));
  await annotate(`${understood.length} of ${bounces.length} real bounces understood, ${named.length} of them with their recipient`);
  expect(understood.length / bounces.length).toBeGreaterThan(0.95);
  expect(named.length / understood.length).toBeGreaterThan(0.97);
  expect(readings.filter(({ name, report }) => name.startsWith('rfc3834-') && report !== null)).toEqual([]);
});
