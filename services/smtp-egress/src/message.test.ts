import { derivedId, type EmailId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import type { QueuedOutbound } from '@tidings/domain/outbound/index';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { build } from '@tidings/infra/compose/build';
import type { MailToCompose } from '@tidings/infra/compose/mail';
import { describe, expect, it } from 'vitest';
import { messagesFrom } from './message.ts';

const blobs = memoryBlobs();
let mails = 0;

const messageOf = async (raw: Uint8Array) => {
  const { id: rawBlobId, size } = await blobs.put(raw);
  const emailId = derivedId<EmailId>('message-test', (mails += 1));
  const signed = messagesFrom(blobs, async () => 'DKIM-Signature: v=1\r\n');
  return signed.of({ emailId, rawBlobId, size } as QueuedOutbound); // all that is read of it
};
const utf8Header = async (raw: Uint8Array): Promise<boolean> => (await messageOf(raw)).utf8Header;

const composed = async (parts: Partial<MailToCompose>): Promise<Uint8Array> => {
  const mail: MailToCompose = {
    ...{ messageId: 'one@tidings.test', date: timestamp(1_790_000_000_000), from: { name: 'Jürgen 山田', email: 'ann@tidings.test' } },
    ...{
      to: [{ name: 'Žofie, Łódź', email: 'bob@elsewhere.test' }],
      cc: [],
      subject: 'Größe 山 и ещё',
      text: 'größer',
      html: '<p>größer</p>',
    },
    files: [{ name: 'Protokoll – März.txt', type: 'text/plain', cid: null, content: Buffer.from('größer') }],
    ...{ inReplyTo: null, references: [], unsubscribe: null, receiptTo: null, autoSubmitted: null },
  };
  return (await build({ ...mail, ...parts })).raw;
};

describe('the header of a mail as it goes out', () => {
  it('is ASCII in all languages, so that every server takes it', async () => {
    expect(await utf8Header(await composed({}))).toBe(false);
    expect(await utf8Header(await composed({ to: [{ name: '', email: 'bob@größer.test' }] }))).toBe(false);
  });

  it('is told to hold more where an address needs it, or who composed it wrote so', async () => {
    expect(await utf8Header(await composed({ to: [{ name: '', email: 'jürgen@größer.test' }] }))).toBe(true);
    expect(await utf8Header(Buffer.from('Subject: Größe\r\n\r\nx\r\n'))).toBe(true);
    expect(await utf8Header(Buffer.from('Subject: x\r\n\r\nGröße\r\n'))).toBe(false);
  });

  it('is read from mails that are not kept in memory, too', async () => {
    const body = Buffer.alloc(400_000, 'ö\r\n');
    expect(await utf8Header(Buffer.concat([Buffer.from('Subject: x\r\n\r\n'), body]))).toBe(false);
    expect(await utf8Header(Buffer.concat([Buffer.from('Subject: ö\r\n\r\n'), body]))).toBe(true);
  });

  it('has the signature in front, and counts it', async () => {
    const raw = Buffer.from('Subject: x\r\n\r\ny\r\n');
    const { size, bytes } = await messageOf(raw);
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(`DKIM-Signature: v=1\r\n${raw.toString()}`);
    expect(size).toBe(Buffer.concat(chunks).byteLength);
  });
});
