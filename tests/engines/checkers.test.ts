/** rspamd and clamd as they are, asked by our adapters and through the whole program. What they answer is also recorded beside the adapters. */
import type { Email } from '@tidings/contracts/http/mail-objects';
import { CheckerUnavailable } from '@tidings/contracts/ports/mail-checks';
import { rspamd } from '@tidings/infra/spam/rspamd';
import { clamd } from '@tidings/infra/virus/clamd';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clamdLacks, eicar, GTUBE, rspamdLacks, startClamd, startRspamd, type RunningChecker } from '../kit/checkers.ts';
import { startProgram, type Program } from '../kit/program.ts';

const lack = rspamdLacks() ?? clamdLacks();
const within = (): AbortSignal => AbortSignal.timeout(20_000);
const CLIENT = {
  address: '203.0.113.7',
  helo: 'mx.town.example',
  mailFrom: 'ada@town.example',
  recipients: ['alice@tidings.test'],
  id: 'test',
};
const mail = (text: string): Buffer =>
  Buffer.from(
    `From: Ada <ada@town.example>\r\nTo: alice@tidings.test\r\nSubject: x\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@town.example>\r\n\r\n${text}\r\n`,
  );

describe.skipIf(lack !== null)(`rspamd and clamd${lack === null ? '' : ` (${lack})`}`, () => {
  let spam: RunningChecker;
  let virus: RunningChecker;
  let program: Program;
  beforeAll(async () => {
    [spam, virus] = await Promise.all([startRspamd(), startClamd()]);
    const env = { RSPAMD_URL: spam.url, CLAMD_URL: virus.url, MAIL_CHECK_RETRY_FIRST_MS: '200', LOG_LEVEL: 'error' };
    program = await startProgram({ env });
  }, 180_000);
  afterAll(async () => {
    await program.stop();
    await Promise.all([spam.remove(), virus.remove()]);
  });

  it('judge as their protocols say', async ({ annotate }) => {
    await annotate('engines: rspamd and clamd of Debian, offline');
    // Just started, it may say first that it wants to see the mail again.
    await expect
      .poll(() => rspamd({ url: spam.url, password: null }).check(mail('hello'), CLIENT, within()), { timeout: 20_000 })
      .toMatchObject({ type: 'judged', spam: false });
    expect(await rspamd({ url: spam.url, password: null }).check(mail(GTUBE), CLIENT, within())).toMatchObject({
      type: 'judged',
      spam: true,
      score: 15,
    });
    expect(await clamd(virus.url).scan(mail('hello'), within())).toEqual({ type: 'clean' });
    const attached = Buffer.from(
      `From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=x.com\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(eicar()).toString('base64')}\r\n`,
    );
    expect(await clamd(virus.url).scan(attached, within())).toMatchObject({
      type: 'infected',
      name: expect.stringContaining('Eicar-Test-Signature'),
    });
    expect(await clamd(virus.url).scan(Buffer.alloc(5_000_000, 'x'), within())).toMatchObject({ type: 'unscanned' });
  });

  const transport = () => createTransport({ host: '127.0.0.1', port: program.smtpPort, secure: false, tls: { rejectUnauthorized: false } });
  const send = async (subject: string, text: string, attachments: { filename: string; content: string }[] = []): Promise<string> => {
    const client = transport();
    const { response } = await client.sendMail({ from: 'ada@town.example', to: 'alice@tidings.test', subject, text, attachments });
    client.close();
    return /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
  };
  const get = async (path: string): Promise<Response> =>
    fetch(`${program.httpUrl}${path}`, { headers: { authorization: `Bearer ${await program.token('alice')}` } });
  const shown = async (id: string): Promise<Email> => {
    await expect.poll(async () => (await get(`/api/emails/${id}`)).status, { timeout: 30_000, interval: 50 }).toBe(200);
    return (await (await get(`/api/emails/${id}`)).json()) as Email; // the contract of the route
  };

  it('decide where mail goes', async () => {
    expect((await shown(await send('hello', 'Just a hello'))).spam).toMatchObject({ verdict: 'ham' });
    expect((await shown(await send('bargain', GTUBE))).spam).toMatchObject({
      verdict: 'spam',
      reasons: [expect.stringContaining('reject')],
    });
    const infected = await shown(await send('invoice', 'see attachment', [{ filename: 'x.com', content: eicar() }]));
    expect(infected.spam).toMatchObject({ verdict: 'spam', reasons: expect.arrayContaining([expect.stringContaining('virus: Eicar')]) });
  });

  it('hold mail while they are away, and lose none', async () => {
    await virus.stop();
    await expect(clamd(virus.url).scan(mail('hello'), within())).rejects.toBeInstanceOf(CheckerUnavailable);
    const ids = await Promise.all(['one', 'two', 'three'].map((subject) => send(subject, 'text')));
    const waiting = async (): Promise<string> => (await fetch(`${program.httpUrl}/metrics`)).text();
    await expect.poll(waiting, { timeout: 20_000, interval: 200 }).toMatch(/tidings_filing_pending_mails\{[^}]*\} 3\n/);
    for (const id of ids) expect((await get(`/api/emails/${id}`)).status).toBe(404);
    await virus.start();
    for (const id of ids) expect((await shown(id)).spam.verdict).toBe('ham');
  }, 120_000);
});
