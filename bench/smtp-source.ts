/** A small SMTP load generator: sessions that are kept, one mail after another in each, no two alike, and hard to compress unless they are given text. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

export interface MailLoad {
  readonly port: number;
  readonly recipient: string;
  readonly mails: number;
  readonly sessions: number;
  readonly bytes: number;
  /** Of a mail, in ASCII without line ends; else bytes by chance, the same for all mails of a session. */
  readonly text?: (mail: number) => string;
}

export interface MailSession {
  /** @returns the reply to the message */
  send(mail: number): Promise<string>;
  close(): Promise<void>;
}

export const sendMails = async (load: MailLoad): Promise<void> => {
  let next = 0;
  const run = async (): Promise<void> => {
    const session = await openMailSession(load.port, load);
    for (let mail = next++; mail < load.mails; mail = next++) await session.send(mail);
    await session.close();
  };
  await Promise.all(Array.from({ length: load.sessions }, run));
};

export const openMailSession = async (
  port: number,
  { recipient, bytes, text }: Pick<MailLoad, 'recipient' | 'bytes' | 'text'>,
): Promise<MailSession> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const name = randomBytes(6).toString('hex');
  const byChance = linesOf(randomBytes(bytes).toString('base64').slice(0, bytes));
  let buffered = '';
  socket.setEncoding('utf8');
  /** One whole reply: the line whose code is followed by a space. */
  const reply = async (): Promise<string> => {
    for (;;) {
      const whole = /^(?:\d{3}-.*\r\n)*(\d{3} .*)\r\n/.exec(buffered);
      if (whole !== null) {
        buffered = buffered.slice(whole[0].length);
        return whole[1] ?? '';
      }
      const [chunk] = (await once(socket, 'data')) as [string];
      buffered += chunk;
    }
  };
  const expectReply = async (): Promise<string> => {
    const said = await reply();
    if (!/^[23]/.test(said)) throw new Error(`the server answered ${said}`);
    return said;
  };
  const command = (line: string): Promise<string> => {
    socket.write(`${line}\r\n`);
    return expectReply();
  };
  await expectReply();
  await command('EHLO bench.example');
  return {
    send: async (mail) => {
      await command('MAIL FROM:<sender@example.org>');
      await command(`RCPT TO:<${recipient}>`);
      await command('DATA');
      const head = `From: sender@example.org\r\nTo: ${recipient}\r\nSubject: bench ${mail}\r\nMessage-ID: <${name}.${mail}@bench.example>\r\n\r\n`;
      socket.write(head);
      socket.write(text === undefined ? byChance : linesOf(text(mail).slice(0, bytes)));
      return expectReply();
    },
    close: async () => {
      await command('QUIT');
      socket.destroy();
    },
  };
};

const linesOf = (text: string): Buffer => Buffer.from(`${(text.match(/.{1,76}/g) ?? []).join('\r\n')}\r\n.\r\n`);
