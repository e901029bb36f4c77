/** Mail through the whole program: over its real SMTP port into what its API shows. */
import type { Email, Thread } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProgram, type Program } from '../kit/program.ts';
import { ownMail, realMail, sendOver } from './mail-in-sender.ts';
import { expectAllShown, marker } from './mail-in-shown.ts';

const ALICE = 'alice@tidings.test';
let program: Program;
beforeAll(async () => {
  program = await startProgram();
});
afterAll(() => program.stop());

const get = async (path: string, user = 'alice'): Promise<Response> =>
  fetch(`${program.httpUrl}${path}`, { headers: { authorization: `Bearer ${await program.token(user)}` } });
const ask = async <A>(path: string): Promise<A> => {
  const response = await get(path);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as A; // the contract of the route, which the tests of the API check
};

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
    await expectAllShown(program, 'alice', [...sent, ...last]);
    expect((await get('/health')).status).toBe(200);
  });
});
