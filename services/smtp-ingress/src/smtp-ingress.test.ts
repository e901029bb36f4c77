import { X509Certificate } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfSigned } from './certificate.ts';
import { mailboxOf, openDoor, type OpenDoor } from './testing/open-door.ts';

let kit: OpenDoor;
beforeEach(async () => {
  kit = await openDoor();
});
afterEach(() => kit.close());

const atData: OpenDoor['atData'] = (...recipients) => kit.atData(...recipients);
const queued = /^250 2\.0\.0 Ok: queued as ([0-9a-f-]{36})$/;

describe('a mail', () => {
  it('is durable, byte for byte, before 250', async () => {
    const dialogue = await atData('contact@tidings.test', 'Alice@TIDINGS.test', 'info@tidings.test');
    dialogue.send('Subject: hi\r\n\r\n..dot\r\n...\r\nend \xff\r\n.\r\n');
    const reply = await dialogue.reply();
    expect(reply).toMatch(queued);
    const [mail, ...more] = await kit.received();
    expect(more).toEqual([]);
    expect(mail?.emailId).toBe(queued.exec(reply)?.[1]);
    expect(mail?.recipients).toEqual([
      {
        mailboxId: mailboxOf('contact'),
        envelope: {
          mailFrom: 'ada@analytical.example',
          rcptTo: ['contact@tidings.test', 'info@tidings.test'],
          helo: 'client.example',
          clientAddress: '127.0.0.1',
        },
      },
      { mailboxId: mailboxOf('alice'), envelope: expect.objectContaining({ rcptTo: ['Alice@TIDINGS.test'] }) },
    ]);
    const bytes = await kit.stored(mail!.blobId);
    expect(bytes).toBe('Subject: hi\r\n\r\n.dot\r\n..\r\nend \xc3\xbf\r\n');
    expect(mail?.size).toBe(bytes.length);
  });

  it('comes many to a session, pipelined, in pieces of any size', async () => {
    const dialogue = await kit.greeted();
    const one = 'MAIL FROM:<>\r\nRCPT TO:<alice@tidings.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\nbody\r\n.\r\n';
    const bytes = `EHLO c\r\n${one.repeat(3)}QUIT\r\n`;
    for (const piece of bytes.match(/[^]{1,3}/g) ?? []) {
      dialogue.send(piece);
      await new Promise(setImmediate);
    }
    await dialogue.closed;
    const mails = await kit.received();
    expect(mails).toHaveLength(3);
    for (const mail of mails) expect(await kit.stored(mail.blobId)).toBe('Subject: x\r\n\r\n.\r\nbody\r\n');
    expect(mails[0]?.recipients[0]?.envelope).toMatchObject({ mailFrom: '' });
  });

  it('may be large: it is streamed', async () => {
    const dialogue = await atData();
    const body = `Subject: large\r\n\r\n${`${'0123456789'.repeat(7)}\r\n`.repeat(20_000)}`;
    dialogue.send(`${body}.\r\n`);
    expect(await dialogue.reply()).toMatch(queued);
    expect(await kit.stored((await kit.received())[0]!.blobId)).toBe(body);
  });

  it('comes from an ordinary client, over TLS too, and with UTF-8 addresses', async () => {
    const transport = createTransport({
      host: '127.0.0.1',
      port: kit.door.port,
      secure: false,
      requireTLS: true,
      tls: { rejectUnauthorized: false },
    });
    const sent = await transport.sendMail({
      from: 'ada@analytical.example',
      to: ['anna@bücher.test', 'Postmaster@tidings.test'],
      subject: 'Grüße',
      text: 'Hallo',
    });
    transport.close();
    expect(sent.response).toMatch(queued);
    expect((await kit.received())[0]?.recipients.map(({ mailboxId }) => mailboxId)).toEqual([mailboxOf('anna'), mailboxOf('contact')]);
  });

  it('keeps every byte there is but bare line ends', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10 && byte !== 13)).toString('latin1');
    const content = `Subject: ${all}\r\n\r\n${all}\r\n`;
    const dialogue = await atData();
    dialogue.send(Buffer.from(`${content}.\r\n`, 'latin1'));
    expect(await dialogue.reply()).toMatch(queued);
    expect(await kit.stored((await kit.received())[0]!.blobId)).toBe(content);
  });

  it('may be empty, or without a header', async () => {
    for (const content of ['', '\r\n', 'no header\r\n']) {
      const dialogue = await atData();
      dialogue.send(`${content}.\r\n`);
      expect(await dialogue.reply()).toMatch(queued);
    }
    expect(await kit.received()).toHaveLength(3);
  });
});

describe('what is offered', () => {
  it('is what the contract says', async () => {
    const dialogue = await kit.greeted();
    const offers = (await dialogue.say('EHLO client.example')).split('\n').map((line) => line.slice(4));
    expect(offers.slice(1)).toEqual(['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'STARTTLS', 'SIZE 2000000']);
    expect(await dialogue.say('AUTH PLAIN AAAA')).toMatch(/^500 5\.5\.2/);
    expect(await dialogue.say('VRFY alice')).toMatch(/^252 /);
    expect(await dialogue.say('NOOP')).toMatch(/^250 2\.0\.0/);
    expect(await dialogue.say('BOGUS')).toMatch(/^500 5\.5\.2/);
    expect(await dialogue.say('QUIT')).toMatch(/^221 2\.0\.0/);
    await dialogue.closed;
  });

  it('is 8-bit and Unicode mail, and no binary mail', async () => {
    const dialogue = await kit.greeted();
    await dialogue.say('EHLO client.example');
    expect(await dialogue.say('MAIL FROM:<jürgen@bücher.example> BODY=8BITMIME SMTPUTF8 SIZE=2000000')).toMatch(/^250 2\.1\.0 /);
    await dialogue.say('RSET');
    expect(await dialogue.say('MAIL FROM:<a@b.example> BODY=BINARYMIME')).toMatch(/^501 /); // RFC 3030 goes with CHUNKING
    expect(await dialogue.say('BDAT 4 LAST')).toMatch(/^500 5\.5\.2/);
  });

  it('forgets what was said in the clear before TLS', async () => {
    const dialogue = await kit.greeted();
    await dialogue.say('EHLO client.example');
    await dialogue.say('MAIL FROM:<a@b.example>');
    dialogue.send('STARTTLS\r\nRCPT TO:<alice@tidings.test>\r\n');
    expect(await dialogue.reply()).toMatch(/^220 /);
    const secure = connectTls({ socket: dialogue.socket.removeAllListeners('data'), rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    secure.write('RCPT TO:<alice@tidings.test>\r\n');
    const [answer] = (await once(secure, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^503 5\.5\.1/);
    secure.destroy();
  });

  it('has a certificate that holds together', () => {
    const { cert } = selfSigned('mail.tidings.test', Date.UTC(2026, 10, 20));
    const read = new X509Certificate(cert);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkHost('mail.tidings.test')).toBe('mail.tidings.test');
  });
});

describe('a recipient', () => {
  it.each([
    ['<nobody@tidings.test>', /^550 5\.1\.1 /],
    ['<someone@elsewhere.example>', /^550 5\.7\.1 /],
    ['<>', /^501 5\.1\.3 /],
    ['<no-at-sign>', /^501 5\.1\.3 /],
    ['<a..b@tidings.test>', /^501 5\.1\.3 /],
    ['alice@tidings.test', /^501 5\.1\.3 /],
    ['<@relay.example:alice@tidings.test>', /^250 2\.1\.5 /],
    ['<postmaster>', /^250 2\.1\.5 /],
    ['<ALICE@Tidings.Test>', /^250 2\.1\.5 /],
  ])('%s', async (recipient, expected) => {
    const dialogue = await kit.greeted();
    await dialogue.say('EHLO c');
    await dialogue.say('MAIL FROM:<a@b.example>');
    expect(await dialogue.say(`RCPT TO:${recipient}`)).toMatch(expected);
  });

  it('is told from others by ASCII case alone (RFC 6531 §3.2)', async () => {
    // U+212A is the sign for kelvin: to Unicode a k, to mail another letter.
    const dialogue = await kit.atData('MIKE@tidings.test', 'mi\u212ae@tidings.test', 'mike@TIDINGS.test');
    expect(await dialogue.say('Subject: x\r\n\r\n.')).toMatch(queued);
    expect((await kit.received())[0]?.recipients).toMatchObject([
      { mailboxId: mailboxOf('mike'), envelope: { rcptTo: ['MIKE@tidings.test'] } },
      { mailboxId: mailboxOf('kelvin'), envelope: { rcptTo: ['mi\u212ae@tidings.test'] } },
    ]);
  });

  it.each(['anna@bücher.test', 'anna@BÜCHER.test', 'anna@xn--bcher-kva.test', 'Anna@XN--BCHER-KVA.test', 'anna@bu\u0308cher.test'])(
    'has a domain in any spelling: %s',
    async (spelling) => {
      const dialogue = await kit.atData(spelling);
      expect(await dialogue.say('Subject: x\r\n\r\n.')).toMatch(queued);
      expect((await kit.received())[0]?.recipients[0]?.mailboxId).toBe(mailboxOf('anna'));
    },
  );

  it.each(['ali\0ce@tidings.test', 'alice@tidings.test\0', 'alice\u200b@tidings.test', 'alice@tidings.test.', 'alice@tidings\u3002test@'])(
    'holds nothing that cannot be seen: %j',
    async (recipient) => {
      const dialogue = await kit.greeted();
      await dialogue.say('EHLO c');
      await dialogue.say('MAIL FROM:<a@b.example>');
      expect(await dialogue.say(`RCPT TO:<${recipient}>`)).toMatch(/^501 5\.1\.3 /);
    },
  );

  it('comes after MAIL, and DATA after it', async () => {
    const dialogue = await kit.greeted();
    expect(await dialogue.say('MAIL FROM:<a@b.example>')).toMatch(/^503 5\.5\.1 /);
    await dialogue.say('EHLO c');
    expect(await dialogue.say('RCPT TO:<alice@tidings.test>')).toMatch(/^503 5\.5\.1 /);
    await dialogue.say('MAIL FROM:<a@b.example>');
    expect(await dialogue.say('DATA')).toMatch(/^503 5\.5\.1 /);
    expect(await dialogue.say('MAIL FROM:<not an address>')).toMatch(/^501 /);
  });

  it('is one of five at most', async () => {
    const dialogue = await kit.greeted();
    await dialogue.say('EHLO c');
    await dialogue.say('MAIL FROM:<a@b.example>');
    for (const name of ['alice', 'contact', 'info', 'postmaster']) await dialogue.say(`RCPT TO:<${name}@tidings.test>`);
    await dialogue.say('RCPT TO:<anna@xn--bcher-kva.test>');
    expect(await dialogue.say('RCPT TO:<"alice"@tidings.test>')).toMatch(/^250 /); // named before
    expect(await dialogue.say('RCPT TO:<mike@tidings.test>')).toMatch(/^452 4\.5\.3 /);
  });
});

describe('a message that cannot be taken', () => {
  it('is too large, said or found out', async () => {
    const dialogue = await kit.greeted();
    await dialogue.say('EHLO c');
    expect(await dialogue.say('MAIL FROM:<a@b.example> SIZE=2000001')).toMatch(/^552 5\.3\.4 /);
    expect(await dialogue.say('MAIL FROM:<a@b.example> SIZE=99999999999999999999')).toMatch(/^552 5\.3\.4 /);
    expect(await dialogue.say('MAIL FROM:<a@b.example> SIZE=1e9')).toMatch(/^501 /);
    const silent = await atData();
    silent.send(`${`${'x'.repeat(998)}\r\n`.repeat(2_001)}.\r\n`);
    expect(await silent.reply()).toMatch(/^552 5\.3\.4 /);
    expect(await silent.say('NOOP')).toMatch(/^250 /);
    expect(await kit.received()).toEqual([]);
  });

  it('has a line without end', async () => {
    const dialogue = await atData();
    dialogue.send(`${'x'.repeat(70_000)}\r\n.\r\n`);
    expect(await dialogue.reply()).toMatch(/^500 5\.5\.2 /);
  });

  it('goes round in a loop', async () => {
    const dialogue = await atData();
    dialogue.send(`${'Received: from a by b\r\n'.repeat(101)}\r\nReceived: in the body\r\n.\r\n`);
    expect(await dialogue.reply()).toMatch(/^554 5\.4\.6 /);
    const fine = await atData();
    fine.send(`${'Received: from a by b\r\n'.repeat(100)}\r\n.\r\n`);
    expect(await fine.reply()).toMatch(queued);
  });

  it.each(['blobs', 'log'] as const)('meets %s that are out of reach: 451, and the next one is taken', async (what) => {
    const dialogue = await atData();
    kit.broken[what] = true;
    dialogue.send('Subject: x\r\n\r\n.\r\n');
    expect(await dialogue.reply()).toMatch(/^451 4\.3\.0 /);
    kit.broken[what] = false;
    for (const line of ['MAIL FROM:<a@b.example>', 'RCPT TO:<alice@tidings.test>', 'DATA']) await dialogue.say(line);
    expect(await dialogue.say('Subject: x\r\n\r\n.')).toMatch(queued);
  });

  it('meets blobs out of reach while it is streamed', async () => {
    const dialogue = await atData();
    kit.broken.blobs = true;
    dialogue.send(`${`${'x'.repeat(998)}\r\n`.repeat(1_500)}.\r\n`);
    expect(await dialogue.reply()).toMatch(/^451 4\.3\.0 /);
    expect(await dialogue.say('NOOP')).toMatch(/^250 /);
  });

  it('breaks off: nothing is recorded', async () => {
    const dialogue = await atData();
    dialogue.send(`Subject: half\r\n\r\n${'x'.repeat(500_000)}`.replace(/x{900}/g, '$&\r\n'));
    dialogue.socket.end();
    await dialogue.closed;
    expect(await kit.received()).toEqual([]);
    expect(kit.door.health()).toMatchObject({ state: 'idle' });
  });
});

it('lets a message that is under way finish when it stops', async () => {
  const dialogue = await atData();
  const idle = await kit.greeted();
  dialogue.send('Subject: last\r\n\r\n');
  await expect.poll(() => kit.door.health().state).toBe('working');
  const stopping = kit.door.stop();
  expect(await idle.reply()).toMatch(/^421 /);
  dialogue.send('.\r\n');
  expect(await dialogue.reply()).toMatch(queued);
  dialogue.close();
  await stopping;
  expect(await kit.received()).toHaveLength(1);
  kit = await openDoor();
});
