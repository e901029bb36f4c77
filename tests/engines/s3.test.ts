/** The whole program with its bytes in S3, and the way there and back: they move while mail arrives, through a kill, and every mail stays readable. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { S3Bucket } from '@tidings/infra/blobs/s3-bucket';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startProgram, type Program } from '../kit/program.ts';
import { s3Lacks, startS3, type S3Server } from '../kit/s3.ts';

const MAIN = fileURLToPath(new URL('../../services/cli/bin/tidings.mjs', import.meta.url));
const lack = await s3Lacks();

describe.skipIf(lack !== null)(`S3${lack === null ? '' : ` (${lack})`}`, () => {
  let server: S3Server;
  let program: Program;
  let env: Readonly<Record<string, string>>;
  /** Of every mail that was accepted: its id, and a piece of it that no other has. */
  const accepted = new Map<string, string>();

  beforeAll(async () => {
    server = await startS3();
    program = await startProgram({ ownPostgres: true, env: { LOG_LEVEL: 'error' } });
    env = { ...server.env('tidings'), LOG_LEVEL: 'error' };
  }, 600_000); // the first run builds the server
  afterAll(async () => {
    await program.stop();
    await server.stop();
    await rm(program.dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });

  const send = async (bytes: number): Promise<void> => {
    const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
    const mark = randomBytes(12).toString('hex');
    const { response } = await transport.sendMail({
      from: 'ann@elsewhere.test',
      to: 'alice@tidings.test',
      subject: mark,
      text: 'Dear Alice',
      attachments: [{ filename: 'noise.bin', content: randomBytes(bytes) }],
    });
    transport.close();
    accepted.set(/queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '', mark);
  };
  const raw = async (id: string): Promise<string> => {
    const headers = { authorization: `Bearer ${await program.token('alice')}` };
    const answer = await fetch(`${program.httpUrl}/api/emails/${id}/raw`, { headers });
    return answer.status === 200 ? answer.text() : `${answer.status}`;
  };
  const allReadable = async (): Promise<void> => {
    for (const [id, mark] of accepted)
      await vi.waitFor(async () => expect(await raw(id)).toContain(mark), { timeout: 30_000, interval: 50 });
  };
  const again = async (more: Readonly<Record<string, string>>): Promise<void> => {
    const { dataDir } = program;
    await program.kill9();
    program = await startProgram({ env: { ...env, ...more }, dataDir });
  };
  /** @param until gives up its life when it has said that */
  const tidings = async (
    more: Readonly<Record<string, string>>,
    args: readonly string[],
    until?: RegExp,
  ): Promise<[number | null, string]> => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: program.dataDir, ...env, ...more },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (until?.test(said) === true) child.kill('SIGKILL');
      });
    const [code] = (await once(child, 'close')) as [number | null]; // what Node promises of this event
    return [code, said];
  };
  const objects = async (): Promise<readonly string[]> => {
    const bucket = new S3Bucket(server.place('tidings'));
    const keys: string[] = [];
    for await (const page of bucket.list('blobs/')) keys.push(...page.map(({ key }) => key));
    bucket.close();
    return keys;
  };

  it('takes over from Postgres while mail arrives, and is killed on the way', async ({ annotate }) => {
    await annotate(`engines: S3 by versitygw ${server.version}, moved to and from`);
    for (let n = 0; n < 25; n += 1) await send(n === 0 ? 4_000_000 : 500 + n);
    await allReadable();
    await again({ BLOBS_ALSO: 'postgres' });
    await send(2_000);
    expect((await objects()).length).toBeGreaterThan(0);
    await allReadable();
    const [killed] = await tidings({ BLOBS_ALSO: 'postgres' }, ['blobs', 'move'], /\d %/);
    expect(killed).toBeNull();
    await allReadable();
    const moving = tidings({ BLOBS_ALSO: 'postgres' }, ['blobs', 'move']);
    for (let n = 0; n < 5; n += 1) await send(700_000 + n);
    expect(await moving).toEqual([0, expect.stringContaining('Nothing is left in the old place')]);
    expect(await tidings({}, ['blobs', 'verify'])).toEqual([0, expect.stringContaining('blobs are as they were given')]);
  });

  it('may be away for a while: mail is put off, and what was accepted stays', async () => {
    await server.kill();
    await expect(send(100)).rejects.toMatchObject({ responseCode: 451 });
    await server.start();
    await vi.waitFor(() => send(100), { timeout: 30_000, interval: 200 });
    await allReadable();
  });

  it('gives bytes back to a folder', async () => {
    const back = { BLOBS: 'folder', BLOBS_ALSO: 's3' };
    await again(back);
    expect(await tidings(back, ['blobs', 'move'])).toEqual([0, expect.stringContaining('Nothing is left in the old place')]);
    expect(await objects()).toEqual([]);
    await allReadable();
  });
});
