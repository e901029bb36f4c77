/** The SMTP door of the whole program: TLS as configured, mail that is odd but allowed, and clients that would keep others out. */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { Email } from '@tidings/contracts/http/mail-objects';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSigned } from '../../services/smtp-ingress/src/certificate.ts';
import { dial, type Dialogue } from '../../services/smtp-ingress/src/testing/smtp-dialogue.ts';
import { residentMegabytesOf } from '../kit/child-pid.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { sendAll } from './mail-in-sender.ts';

const ALICE = 'alice@tidings.test';
const MIB = 1024 * 1024;
const HOST = 'mx.town.example';
let folder: string;
let program: Program;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-smtp-'));
  const { key, cert } = selfSigned(HOST, Date.now());
  const [SMTP_TLS_KEY_FILE, SMTP_TLS_CERT_FILE] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await writeFile(SMTP_TLS_KEY_FILE, key);
  await writeFile(SMTP_TLS_CERT_FILE, cert);
  program = await startProgram({ ownPostgres: true, env: { SMTP_TLS_KEY_FILE, SMTP_TLS_CERT_FILE, SMTP_MAX_SESSIONS_PER_CLIENT: '30' } });
  await get('/api/me');
});
afterAll(async () => {
  await program.stop();
  await rm(folder, { recursive: true, force: true });
});

const get = async (path: string): Promise<Response> =>
  fetch(`${program.httpUrl}${path}`, { headers: { authorization: `Bearer ${await program.token('alice')}` } });
/** Sends it as one mail, and waits until it is filed. */
const filed = async (content: string): Promise<Email> => {
  const [sent] = await sendAll(program.smtpPort, ALICE, [{ name: 'one', raw: Buffer.from(content, 'latin1') }]);
  expect(sent?.reply).toMatch(/^250 /);
  const path = `/api/emails/${sent?.emailId}`;
  await expect.poll(async () => (await get(path)).status, { timeout: 20_000, interval: 50 }).toBe(200);
  const raw = await get(`${path}/raw`);
  expect(Buffer.from(await raw.arrayBuffer()).toString('latin1')).toBe(content);
  return (await (await get(path)).json()) as Email; // the contract of the route, which the tests of the API check
};

describe('TLS', () => {
  it('is offered with the certificate of the configuration', async () => {
    const dialogue = await dial(program.smtpPort);
    await dialogue.reply();
    expect(await dialogue.say('EHLO client.example')).toContain('STARTTLS');
    expect(await dialogue.say('STARTTLS')).toMatch(/^220 /);
    const secure = connectTls({
      socket: dialogue.socket.removeAllListeners('data'),
      ca: readFileSync(join(folder, 'cert.pem')),
      servername: HOST,
    });
    await once(secure, 'secureConnect');
    expect(secure.authorized).toBe(true);
    expect(new X509Certificate(secure.getPeerCertificate().raw).subject).toContain(HOST);
    secure.write('EHLO client.example\r\n');
    const [offers] = (await once(secure, 'data')) as [Buffer];
    expect(offers.toString()).not.toContain('STARTTLS');
    secure.destroy();
  });
});

describe('mail that is odd', () => {
  it('with NUL and every other byte is filed readable', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10 && byte !== 13)).toString(
      'latin1',
    );
    const email = await filed(`From: a@b.example\r\nSubject: Zero \0 ${bytes}\r\nX-Odd: ${bytes}\r\n\r\nBefore \0 after ${bytes}\r\n`);
    expect(email.subject).toContain('Zero');
    expect(email.preview).toContain('after');
  });

  it('with lines as long as we take is filed whole', async () => {
    const email = await filed(`From: a@b.example\r\nSubject: ${'long '.repeat(10_000)}\r\n\r\n${'word '.repeat(13_000)}\r\n`);
    expect(email.preview).toMatch(/^word word/);
  });

  it('of nothing but dots is taken', async () => {
    const email = await filed(`From: a@b.example\r\nSubject: Dots\r\n\r\n${'.\r\n..\r\n...\r\n'.repeat(5_000)}`);
    expect(email.subject).toBe('Dots');
  });
});

describe('clients that hold sessions open', () => {
  it('wait for each other, and nobody else does', async () => {
    const slow: Dialogue[] = [];
    for (let n = 0; n < 60; n += 1) slow.push(await dial(program.smtpPort, '127.0.0.2'));
    const greetings = await Promise.all(slow.map((one) => one.reply()));
    expect(greetings.filter((greeting) => greeting.startsWith('220 '))).toHaveLength(30);
    expect(greetings.filter((greeting) => greeting.startsWith('421 4.7.0 Too many sessions'))).toHaveLength(30);
    const drip = setInterval(() => slow.forEach((one) => one.send('x')), 50);
    const times: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      const began = performance.now();
      const [sent] = await sendAll(program.smtpPort, ALICE, [{ name: 'prompt', raw: Buffer.from(`Subject: Prompt ${n}\r\n\r\n`) }]);
      times.push(performance.now() - began);
      expect(sent?.reply).toMatch(/^250 /);
    }
    clearInterval(drip);
    for (const one of slow) one.close();
    expect(Math.max(...times)).toBeLessThan(2_000);
  });
});

describe('mails of 30 MiB', () => {
  /** About 30 MiB, different in each mail, compressible or not. */
  const sendLarge = async (n: number, seed: string): Promise<{ reply: string; sha256: string }> => {
    const sha = createHash('sha256');
    const dialogue = await dial(program.smtpPort);
    await dialogue.reply();
    for (const line of ['EHLO c', 'MAIL FROM:<large@example.org>', `RCPT TO:<${ALICE}>`, 'DATA']) await dialogue.say(line);
    const write = async (text: string): Promise<void> => {
      sha.update(text);
      if (!dialogue.socket.write(text)) await once(dialogue.socket, 'drain');
    };
    await write(`From: large@example.org\r\nSubject: Large ${n}\r\n\r\n`);
    const line = `${createHash('sha512').update(seed).digest('base64').slice(0, 76)}\r\n`;
    const block = line.repeat(800);
    for (let size = 0; size < 29.5 * MIB; size += block.length) await write(block);
    dialogue.send('.\r\n');
    const reply = await dialogue.reply();
    dialogue.close();
    return { reply, sha256: sha.digest('hex') };
  };

  it('over ten sessions at once are taken at a bounded cost in memory, whole', async ({ annotate }) => {
    const residentMegabytes = residentMegabytesOf(program.smtpPort);
    await sendLarge(0, 'warm'); // what the process takes anyway
    const before = residentMegabytes();
    let largest = before;
    const watch = setInterval(() => {
      largest = Math.max(largest, residentMegabytes());
    }, 50);
    const sent = await Promise.all(Array.from({ length: 10 }, (_, n) => sendLarge(n + 1, `seed ${n}`)));
    clearInterval(watch);
    await annotate(`ten mails of 30 MiB at once: ${before.toFixed(0)} MiB before, ${largest.toFixed(0)} MiB at most`);
    const ids = sent.map(({ reply }) => /^250 2\.0\.0 Ok: queued as (\S+)$/.exec(reply)?.[1]);
    expect(ids).not.toContain(undefined);
    expect(largest - before).toBeLessThan(150);
    const [id] = ids;
    await expect.poll(async () => (await get(`/api/emails/${id}`)).status, { timeout: 120_000, interval: 250 }).toBe(200);
    const sha = createHash('sha256');
    const raw = await get(`/api/emails/${id}/raw`);
    for await (const piece of raw.body ?? []) sha.update(piece);
    expect(sha.digest('hex')).toBe(sent[0]?.sha256);
  });
});
