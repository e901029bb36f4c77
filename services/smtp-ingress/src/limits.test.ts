/** Hostile and slow clients: what each may do, and that the others never notice. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { clientOf } from './clients.ts';
import { openDoor, type OpenDoor } from './testing/open-door.ts';
import type { Dialogue } from './testing/smtp-dialogue.ts';

let kit: OpenDoor;
afterEach(() => kit.close());

const begin = async (): Promise<Dialogue> => {
  const dialogue = await kit.greeted();
  await dialogue.say('EHLO c');
  await dialogue.say('MAIL FROM:<a@b.example>');
  return dialogue;
};

describe('a hostile client', () => {
  it('may not hold sessions without end', async () => {
    kit = await openDoor();
    const first = await kit.greeted();
    for (let i = 1; i < 8; i += 1) await kit.greeted();
    const ninth = await kit.connected();
    expect(await ninth.reply()).toMatch(/^421 4\.7\.0 Too many sessions/);
    await ninth.closed;
    first.close();
    await expect.poll(async () => (await (await kit.connected()).reply()).slice(0, 3)).toBe('220');
  });

  it('may not begin sessions without end', async () => {
    kit = await openDoor({ SMTP_MAX_NEW_SESSIONS_PER_CLIENT: '3' });
    for (let i = 0; i < 3; i += 1) (await kit.greeted()).close();
    const fourth = await kit.connected();
    expect(await fourth.reply()).toMatch(/^421 4\.7\.0 Too many new sessions/);
    await fourth.closed;
  });

  it('may not guess addresses without end', async () => {
    kit = await openDoor({ SMTP_MAX_UNKNOWN_RECIPIENTS: '3' });
    const dialogue = await begin();
    for (let i = 0; i < 3; i += 1) expect(await dialogue.say(`RCPT TO:<guess${i}@tidings.test>`)).toMatch(/^550 5\.1\.1 /);
    expect(await dialogue.say('RCPT TO:<alice@tidings.test>')).toMatch(/^250 /);
    await dialogue.say('RSET');
    await dialogue.say('MAIL FROM:<a@b.example>'); // another mail is the same session
    expect(await dialogue.say('RCPT TO:<guess@tidings.test>')).toMatch(/^421 4\.7\.0 Too many unknown recipients/);
    await dialogue.closed;
  });

  it('may not send errors or commands without end', async () => {
    kit = await openDoor({ SMTP_MAX_ERRORS: '3', SMTP_MAX_COMMANDS: '10' });
    const wrong = await begin();
    for (let i = 0; i < 3; i += 1) expect(await wrong.say('RCPT TO:<a@elsewhere.example>')).toMatch(/^550 5\.7\.1 /);
    expect(await wrong.say('RCPT TO:<a@elsewhere.example>')).toMatch(/^550 /);
    expect(await wrong.reply()).toMatch(/^421 4\.7\.0 Too many errors/);
    await wrong.closed;
    const idle = await kit.greeted();
    for (let i = 0; i < 10; i += 1) expect(await idle.say('NOOP')).toMatch(/^250 /);
    expect(await idle.say('NOOP')).toMatch(/^421 4\.7\.0 Too many commands/);
    await idle.closed;
  });

  it('may not flood us with commands it takes no answers for', async () => {
    kit = await openDoor();
    const flooding = await begin();
    flooding.socket.pause();
    flooding.send('RCPT TO:<alice@tidings.test>\r\n'.repeat(200_000));
    const other = await kit.atData();
    expect(await other.say('Subject: x\r\n\r\n.')).toMatch(/^250 /);
    flooding.socket.resume();
    await flooding.closed;
  });

  it('may not send a command without end, or talk HTTP', async () => {
    kit = await openDoor();
    const long = await kit.greeted();
    long.send(`EHLO ${'x'.repeat(20_000)}`);
    expect(await long.reply()).toMatch(/^421 /);
    await long.closed;
    const web = await kit.greeted();
    expect(await web.say('POST / HTTP/1.1')).toMatch(/^421 /);
    await web.closed;
  });

  it('is one client in all of its network', () => {
    expect(clientOf('192.0.2.1')).toBe('192.0.2.1');
    expect(clientOf('2001:db8:1:2:3:4:5:6')).toBe(clientOf('2001:db8:1:2::1'));
    expect(clientOf('2001:db8:1:2::1')).not.toBe(clientOf('2001:db8:1:3::1'));
    expect(clientOf('fe80::1%eth0')).toBe(clientOf('fe80::1'));
  });
});

describe('a slow client', () => {
  it.each([
    ['is silent', () => kit.greeted()],
    ['is silent within a message', () => kit.atData()],
  ])('that %s is dismissed', async (_, start) => {
    kit = await openDoor({ SMTP_IDLE_TIMEOUT_SECONDS: '1' });
    const dialogue = await start();
    kit.clock.ahead += 2_000;
    expect(await dialogue.reply()).toMatch(/^421 4\.4\.2 Timeout/);
    await dialogue.closed;
  });

  it('gains nothing by single bytes', async () => {
    kit = await openDoor({ SMTP_IDLE_TIMEOUT_SECONDS: '1' });
    const commanding = await kit.greeted();
    const mailing = await kit.atData();
    const drip = setInterval(() => [commanding, mailing].forEach((one) => one.send('x')), 10);
    const timeouts = await Promise.all([commanding, mailing].map((one) => one.reply()));
    clearInterval(drip);
    for (const timeout of timeouts) expect(timeout).toMatch(/^421 4\.4\.2 Timeout/);
  });

  it('has its time for a message', async () => {
    kit = await openDoor({ SMTP_DATA_TIMEOUT_SECONDS: '1' });
    const dialogue = await kit.atData();
    dialogue.send(`${'x'.repeat(900)}\r\n`.repeat(100)); // well ahead of a trickle
    expect(await dialogue.reply()).toMatch(/^421 4\.4\.2 The message took too long/);
    await dialogue.closed;
    expect(await kit.received()).toEqual([]);
  });

  it('makes room when all places are taken', async () => {
    kit = await openDoor({ SMTP_MAX_SESSIONS: '4' });
    const slow = [await kit.atData(), await kit.greeted(), await kit.greeted()];
    kit.clock.ahead += 5_000;
    const busy = await kit.atData();
    const turnedAway = await kit.connected();
    expect(await turnedAway.reply()).toMatch(/^421 4\.3\.2 Too many sessions/); // nobody has been slow for long
    await turnedAway.closed;
    kit.clock.ahead += 6_000;
    for (const one of slow) {
      const newcomer = await kit.atData();
      expect(await one.reply()).toMatch(/^421 4\.3\.2 You were silent/);
      expect(await newcomer.say('Subject: x\r\n\r\n.')).toMatch(/^250 /);
    }
    expect(await busy.say('Subject: x\r\n\r\n.')).toMatch(/^250 /);
    expect(await kit.received()).toHaveLength(4);
  });
});

describe('a proxy', () => {
  // Debian's swaks; other machines have the vectors of proxy-header.test.ts.
  const hasSwaks = existsSync('/usr/bin/swaks');
  it.skipIf(!hasSwaks).each([
    ['1', 'TCP4'],
    ['2', 'AF_INET'],
  ])(`says in version %s where the client is, as swaks does${hasSwaks ? '' : ' (swaks is not installed)'}`, async (version, family) => {
    kit = await openDoor({ SMTP_PROXY_NETWORKS: '10.0.0.0/8,127.0.0.1' });
    const mail = ['--server', `127.0.0.1:${kit.door.port}`, '--to', 'alice@tidings.test', '--from', 'a@b.example', '--helo', 'c'];
    const proxy = ['--proxy-version', version, '--proxy-family', family, '--proxy-source', '192.0.2.7', '--proxy-source-port', '4711'];
    await promisify(execFile)('swaks', [...mail, ...proxy, '--proxy-dest', '198.51.100.1', '--proxy-dest-port', '25']);
    expect((await kit.received())[0]?.recipients[0]?.envelope).toMatchObject({ clientAddress: '192.0.2.7' });
  });

  it('has each of its clients counted apart', async () => {
    kit = await openDoor({ SMTP_PROXY_NETWORKS: '127.0.0.1', SMTP_MAX_SESSIONS_PER_CLIENT: '1' });
    const session = async (address: string): Promise<string> => {
      const dialogue = await kit.connected();
      dialogue.send(`PROXY TCP4 ${address} 198.51.100.1 4711 25\r\n`);
      return dialogue.reply();
    };
    expect(await session('192.0.2.8')).toMatch(/^220 /);
    expect(await session('192.0.2.9')).toMatch(/^220 /);
    expect(await session('192.0.2.9')).toMatch(/^421 4\.7\.0 /);
  });

  it('must be believed only where it is known', async () => {
    kit = await openDoor({ SMTP_PROXY_NETWORKS: '192.0.2.0/24' });
    const unknown = await kit.greeted();
    expect(await unknown.say('PROXY TCP4 192.0.2.7 198.51.100.1 4711 25')).toMatch(/^500 5\.5\.2 /);
    await kit.close();
    kit = await openDoor({ SMTP_PROXY_NETWORKS: '127.0.0.0/8' });
    const known = await kit.connected();
    known.send('EHLO c\r\n');
    await known.closed;
    await expect(known.reply()).rejects.toThrow('closed');
  });

  it('may send its header in pieces, or leave', async () => {
    kit = await openDoor({ SMTP_PROXY_NETWORKS: '::ffff:0:0/96,127.0.0.1' });
    const dialogue = await kit.connected();
    for (const byte of 'PROXY UNKNOWN\r\n') {
      dialogue.send(byte);
      await new Promise(setImmediate);
    }
    expect(await dialogue.reply()).toMatch(/^220 /);
    expect(await dialogue.say('EHLO c')).toMatch(/^250/);
    const leaving = await kit.connected();
    leaving.send('PROXY TCP4 ');
    leaving.socket.end();
    await leaving.closed;
    expect(await dialogue.say('NOOP')).toMatch(/^250 /);
  });
});
