import { timestamp } from '@tidings/contracts/time';
import PostalMime from 'postal-mime';
import { expect, it } from 'vitest';
import { readReport } from '../mail-report/read-report.ts';
import { readMail } from '../mime/read-mail.ts';
import { composeReceipt } from './receipt.ts';

const receipt = (subject: string, messageId: string | null = 'one@elsewhere.test', head = 'Subject: x\r\nFrom: bob@elsewhere.test\r\n') =>
  composeReceipt({
    ...{
      messageId: 'r@tidings.test',
      date: timestamp(1_790_000_000_000),
      from: 'ann@tidings.test',
      to: ['bob@elsewhere.test'],
      host: 'mx.tidings.test',
    },
    original: { messageId, subject, head: Buffer.from(head) },
  });

it('a receipt reads as one, by others and by us', async () => {
  const raw = await receipt('Élection');
  const read = await PostalMime.parse(raw);
  expect([read.subject, read.to?.[0]?.address, read.inReplyTo]).toEqual(['Read: Élection', 'bob@elsewhere.test', '<one@elsewhere.test>']);
  expect(Buffer.from(raw).toString()).toMatch(/^Auto-Submitted: auto-replied\r$/m);
  expect(await readReport(raw)).toEqual({
    ...{ type: 'receipt', disposition: 'displayed', isAutomatic: false, recipients: ['ann@tidings.test'] },
    original: { messageId: 'one@elsewhere.test', returnPath: null },
  });
});

it('a receipt has one header, whatever the mail that was read says', async () => {
  const raw = await receipt('x\r\nBcc: eve@evil.test', null, `X: ${'y'.repeat(20_000)}\r\n`);
  const { content, details } = await readMail(raw);
  expect([content.subject, details.bcc, content.inReplyTo]).toEqual(['Read: x Bcc: eve@evil.test', [], []]);
  expect(raw.byteLength).toBeLessThan(12_000);
});
