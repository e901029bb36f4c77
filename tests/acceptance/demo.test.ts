/** `npm run demo`, as a newcomer runs it: the story is told to its end, and nothing is left of it but what it said. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Program, startProgram } from '../kit/program.ts';

/** Where the demo makes its data folders. */
let temporary: string;
let program: Program | null = null;
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'demo-'));
  await chmod(temporary, 0o711); // as root, Postgres runs under another account, which must get through
});
afterEach(async () => {
  await program?.stop();
  program = null;
  await rm(temporary, { recursive: true, force: true });
});

interface Told {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly exited: Promise<number | null>;
}

const demo = (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Told => {
  const child = spawn(process.execPath, ['services/cli/bin/tidings.mjs', 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: temporary, ...env },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  return { child, said: () => said, exited: new Promise((resolve) => child.once('close', resolve)) };
};

const KEY_LINES = [
  '⇢ alice  FriendRequestReceived  from Bob Baker',
  '⇢ bob    FriendRequestAccepted  from Alice Archer',
  '⇢ alice  ChatMessage  Bob Baker: See you at eight?',
  '⇢ bob    UserReadChat  Alice Archer has read up to message 3',
  'Market day    2 unread  Alice Archer: Then I bring the coffee ☕',
  '⇢ alice  Typing  Bob Baker is typing',
  '⇢ alice  MessageEdited  Bob Baker rewrote: Who brings the tables?',
  '⇢ bob    ReactionChanged  Alice Archer reacted with 👍',
  'Who brings the tables? (edited)  👍 1  1 reply',
  '⇢ alice  EmailReceived  in alice@tidings.test: Renée Dupont: Opening hours on market day',
  '⇢ bob    EmailReceived  in contact@tidings.test: Bob: Re: Opening hours on market day',
  '⇢ alice  EmailReceived  in alice@tidings.test: 山田: こんにちは',
  '●  Renée Dupont, Bob  Opening hours on market day (2)  It opens at eight, I was there last week.',
  'the same that were sent',
  '<img alt="" data-remote-src="https://tracker.example.net/pixel.gif" />',
  'books.csv  text/csv  38 bytes',
  '⇢ alice  ThreadChanged  in contact@tidings.test: Bob Baker has read it',
  '1 thread in the inbox, 0 unread',
];

describe('tidings demo', () => {
  it('tells its story on a fresh backbone in less than 30 seconds, without colour where there is no terminal', async () => {
    const began = performance.now();
    const { said, exited } = demo();
    expect(await exited, said()).toBe(0);
    expect(performance.now() - began).toBeLessThan(30_000);
    for (const line of KEY_LINES) expect(said()).toContain(line);
    expect(said()).toMatch(/timeline +version \d+ +live +lag 0/);
    expect(said()).toMatch(/The end, after [\d.]+ s\.\s*$/);
    expect(said()).not.toContain('\u001b');
    expect(await readdir(temporary)).toEqual([]);
  });

  it('tells it again and again on a backbone that runs', async () => {
    program = await startProgram({ env: { PROCESSES: 'one' } });
    const { httpUrl, smtpPort } = program;
    for (const _ of ['once', 'again']) {
      const { said, exited } = demo(['--url', httpUrl, '--smtp', `localhost:${smtpPort}`]);
      expect(await exited, said()).toBe(0);
      expect(said()).toContain('⇢ bob    FriendRequestAccepted  from Alice Archer');
      expect(said()).toContain('The end, after');
    }
    expect(await readdir(temporary)).toEqual([]);
  });

  it('leaves nothing behind when it is stopped in the middle', async () => {
    const { child, said, exited } = demo([], { PROCESSES: 'one' });
    await vi.waitFor(() => expect(said()).toContain('1. Bob asks'), { timeout: 60_000, interval: 5 });
    child.kill('SIGINT');
    expect(await exited).toBe(1);
    expect(said()).toContain('tidings demo: stopped before the end');
    expect(await readdir(temporary)).toEqual([]);
  });

  it('says in a sentence what stands in the way', async () => {
    const { said, exited } = demo(['--url', 'http://localhost:1', '--smtp', 'localhost:1']);
    expect(await exited).toBe(1);
    expect(said()).toBe('tidings demo: nothing answers at http://localhost:1/health; start it with "npm start"\n');
  });
});
