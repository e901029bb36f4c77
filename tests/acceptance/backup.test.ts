/** Somebody backs up while people write, loses everything, and restores: what was acknowledged before the backup is there, what came later is not, in between no hole. */
import { spawn } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Me, Thread } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Program, startProgram } from '../kit/program.ts';
import { ask, askJson, foundTown, type Person, type Town } from './town.ts';

const TIDINGS = fileURLToPath(new URL('../../services/cli/bin/tidings.mjs', import.meta.url));
const soon = { timeout: 60_000, interval: 50 };

let home: string;
let town: Town;
let program: Program;
const data = (name: string): string => join(home, name);
const env = (): Readonly<Record<string, string>> => ({ OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'fatal', BLOBS: 'folder' });
const start = async (name: string): Promise<void> => {
  program = await startProgram({ dataDir: data(name), env: env() });
};

/** A command as somebody gives it. */
const tidings = async (args: readonly string[], dataDir: string): Promise<{ readonly code: number | null; readonly said: string }> => {
  const child = spawn(process.execPath, [TIDINGS, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: dataDir, ...env() },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, said };
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidings-backup-'));
  await chmod(home, 0o711);
  town = await foundTown('Keeper', 2);
  await mkdir(data('first'), { mode: 0o711 });
  await start('first');
});
afterAll(async () => {
  await program.stop();
  await town.issuer.close();
  await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

it('restores what there was, and only whole', async ({ annotate }) => {
  const [ada, ben] = town.people as readonly [Person, Person];
  for (const person of [ada, ben]) await askJson<Me>(program, person, '/api/me');
  const body = { roomType: 'Single', invitedUsers: [ada.id, ben.id] };
  const { id: room } = await askJson<ChatRoom>(program, ada, '/api/rooms/create-room', { body });
  const say = async (n: number): Promise<Message> =>
    askJson<Message>(program, ada, '/api/send-msg', { body: { chatRoomId: room, msgBody: { text: `word ${n}` } } });
  const timeline = async (): Promise<readonly Message[]> =>
    (await askJson<readonly Message[]>(program, ben, `/api/rooms/${room}/timeline?limit=100`)).toReversed();

  // A mail with bytes of its own, filed.
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, ignoreTLS: true });
  const attachment = { filename: 'plan.bin', content: Buffer.alloc(300_000, 'plan') };
  const { response } = await transport.sendMail({
    from: 'crew@sea.example',
    to: ada.email,
    subject: 'Kept',
    text: 'Keep it',
    attachments: [attachment],
  });
  transport.close();
  const emailId = /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
  const raw = async (): Promise<string> => {
    const answer = await ask(program, ada, `/api/emails/${emailId}/raw`);
    expect(answer.status).toBe(200);
    return answer.text();
  };
  await vi.waitFor(raw, soon);
  const mailbox = (await askJson<Me>(program, ada, '/api/me')).mailboxes.find(({ address }) => address === ada.email)?.id ?? '';
  const threads = (): Promise<{ readonly content: readonly Thread[] }> => askJson(program, ada, `/api/mailboxes/${mailbox}/threads`);
  const kept = { raw: await raw(), threads: await threads() };

  const said: Message[] = [];
  for (let n = 0; n < 10; n += 1) said.push(await say(n));
  const before = said.length;
  let done = false;
  const talking = (async () => {
    for (let n = before; !done && n < 90; n += 1) said.push(await say(n));
  })();
  const taken = await tidings(['backup', data('saved')], data('first'));
  expect(taken).toEqual({ code: 0, said: expect.stringMatching(/saved holds [\d,]+ files, [\d,]+ MB, with a log of [\d,]+ events\./) });
  await annotate(taken.said.trim().split('\n').at(-1) ?? '');
  const during = said.length;
  await say(1_000);
  done = true;
  await talking;
  const whole = await timeline();
  expect((await tidings(['backup', data('saved')], data('first'))).said).toContain('is not empty: name a folder that is not there yet');

  // Into what is there, it does not go; then everything is lost.
  expect(await tidings(['restore', data('saved')], data('first'))).toEqual({
    code: 1,
    said: expect.stringContaining('a Tidings runs on this DATA_DIR'),
  });
  await program.kill9();
  expect(await tidings(['restore', data('saved')], data('first'))).toEqual({
    code: 1,
    said: expect.stringContaining('is not empty: a backup is restored into a DATA_DIR that is'),
  });
  await rm(data('first'), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

  const restored = await tidings(['restore', data('saved')], data('second'));
  expect(restored).toEqual({
    code: 0,
    said: expect.stringMatching(/The installation of \S+ is in \S+second, with a log of [\d,]+ events\./),
  });
  await start('second');
  const now = await timeline();
  expect(now.length).toBeGreaterThanOrEqual(before);
  expect(now.length).toBeLessThanOrEqual(during + 1);
  expect(now).toEqual(whole.slice(0, now.length));
  expect({ raw: await raw(), threads: await threads() }).toEqual(kept);
  expect((await say(2_000)).seq).toBe(now.length + 1);

  // A backup that rots says so.
  const [blob] = (await readdir(join(data('saved'), 'blobs'), { recursive: true })).filter((name) => name.endsWith('.blob'));
  await appendFile(join(data('saved'), 'blobs', blob ?? ''), 'x');
  expect(await tidings(['restore', data('saved')], data('third'))).toEqual({
    code: 1,
    said: expect.stringContaining('its checksum differs, and nothing was restored'),
  });
  expect(await readdir(data('third'))).not.toContain('postgres');
  // A sentence for who stands at the terminal, and no stack.
  expect(await tidings(['restore', data('nowhere')], data('third'))).toEqual({
    code: 1,
    said: `tidings restore: ${data('nowhere')} holds no backup: it has no manifest.json\n`,
  });
  expect(JSON.parse(await readFile(join(data('saved'), 'manifest.json'), 'utf8'))).toMatchObject({ format: 1, blobs: 'folder' });
});
