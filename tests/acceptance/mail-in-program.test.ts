/** Mail through the whole program: over its real SMTP port into what its API shows, also over a power cut in the middle. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Email, Thread } from '@tidings/contracts/http/mail-objects';
import { contentHash } from '@tidings/infra/mime/head';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProgram, type Program } from '../kit/program.ts';
import { ownMail, realMail, sendOver, type Sample, type Sent } from './mail-in-sender.ts';

const ALICE = 'alice@tidings.test';
let dataDir: string;
let program: Program;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-mail-'));
  program = await startProgram({ dataDir });
});
afterAll(async () => {
  await program.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const get = async (path: string, user = 'alice'): Promise<Response> =>
  fetch(`${program.httpUrl}${path}`, { headers: { authorization: `Bearer ${await program.token(user)}` } });
const ask = async <A>(path: string): Promise<A> => {
  const response = await get(path);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as A; // the contract of the route, which the tests of the API check
};

/** Every accepted mail is in the mailbox byte for byte, or is the same mail as an accepted one that is. */
const expectAllVisible = async (sent: readonly Sent[]): Promise<void> => {
  const shown = new Set<string>();
  const hidden: Sent[] = [];
  // The last one accepted is filed last.
  await expect.poll(async () => (await get(`/api/emails/${sent.at(-1)?.emailId}`)).status, { timeout: 60_000, interval: 200 }).toBe(200);
  for (const one of sent) {
    const raw = await get(`/api/emails/${one.emailId}/raw`);
    if (raw.status === 404) {
      hidden.push(one);
      continue;
    }
    expect([one.name, raw.status, raw.headers.get('content-type')]).toEqual([one.name, 200, 'message/rfc822']);
    expect([one.name, Buffer.from(await raw.arrayBuffer()).equals(one.raw)]).toEqual([one.name, true]);
    shown.add(contentHash(one.raw));
  }
  expect(hidden.filter(({ raw }) => !shown.has(contentHash(raw))).map(({ name }) => name)).toEqual([]);
};

/** Unique, so that the mail sent last is never a repetition. */
const marker = (n: number): Sample => ({
  name: `marker ${n}`,
  raw: Buffer.from(`From: last@example.org\r\nSubject: Marker ${n}\r\nMessage-ID: <marker-${n}@example.org>\r\n\r\nthe end\r\n`),
});
const accepted = (sent: readonly Sent[]): readonly Sent[] => sent.filter(({ emailId }) => emailId !== null);

describe('mail through the program', () => {
  it('goes from an ordinary client into a thread, with text, HTML and attachments', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, secure: false, tls: { rejectUnauthorized: false } });
    const messageId = '<program@example.org>';
    const sent = await transport.sendMail({
      from: 'Ada <ada@example.org>',
      to: ALICE,
      subject: 'Grüße',
      text: 'In Worten',
      html: '<p>In <b>Worten</b><script>alert(1)</script></p>',
      attachments: [{ filename: 'bill.pdf', content: 'not a pdf' }],
      messageId,
    });
    await transport.sendMail({
      from: 'ada@example.org',
      to: ALICE,
      subject: 'Re: Grüße',
      text: 'Nachtrag',
      inReplyTo: messageId,
      references: messageId,
    });
    transport.close();
    const id = /queued as ([0-9a-f-]{36})/.exec(sent.response)?.[1] ?? '';
    await expect.poll(async () => (await get(`/api/emails/${id}`)).status, { timeout: 15_000, interval: 50 }).toBe(200);
    const email = await ask<Email>(`/api/emails/${id}`);
    expect(email).toMatchObject({
      subject: 'Grüße',
      preview: 'In Worten',
      from: [{ name: 'Ada', email: 'ada@example.org' }],
      attachments: [{ name: 'bill.pdf' }],
    });
    expect(JSON.stringify(email.bodyValues)).toContain('<b>Worten</b>');
    expect(JSON.stringify(email.bodyValues)).not.toContain('script');
    const part = await get(`/api/emails/${id}/parts/${email.attachments[0]?.partId}`);
    expect(await part.text()).toBe('not a pdf');
    await expect
      .poll(async () => (await ask<Thread>(`/api/threads/${email.threadId}`)).messageCount, { timeout: 15_000, interval: 50 })
      .toBe(2);
    expect((await get(`/api/emails/${id}`, 'bob')).status).toBe(404);
  });

  it('shows all of our own mail, and all real mail there is', async ({ annotate }) => {
    const { folder, samples } = realMail();
    await annotate(
      samples.length > 0
        ? `read back ${samples.length} real mails of ${folder} over the API`
        : `no real mail in ${folder}: only the project's own was read back`,
    );
    const sent = await sendOver(4, program.smtpPort, ALICE, [...ownMail(), ...samples]);
    const last = await sendOver(1, program.smtpPort, ALICE, [marker(1)]);
    expect(sent.filter(({ emailId }) => emailId === null).map(({ name, reply }) => `${name}: ${reply}`)).toEqual([]);
    await expectAllVisible([...sent, ...last]);
    expect((await get('/health')).status).toBe(200);
  });

  it('keeps every mail that was answered 250 over a power cut', async () => {
    let given = 0;
    function* untilTheLightsGoOut(): Generator<Sample> {
      for (; given < 5_000; given += 1) {
        if (given === 400) void program.kill9();
        yield { ...marker(10_000 + given), name: `cut ${given}` };
      }
    }
    const before = accepted(await sendOver(4, program.smtpPort, ALICE, untilTheLightsGoOut()));
    await program.kill9();
    expect(before.length).toBeGreaterThan(100);
    program = await startProgram({ dataDir });
    const after = accepted(await sendOver(1, program.smtpPort, ALICE, [marker(2)]));
    await expectAllVisible([...before, ...after]);
  });
});
