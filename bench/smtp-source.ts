/** A small SMTP load generator for machines without Postfix's `smtp-source`: sessions that are kept, one mail after another in each. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface MailLoad {
  readonly port: number;
  readonly recipient: string;
  readonly mails: number;
  readonly sessions: number;
  readonly bytes: number;
}

export const sendMails = async (load: MailLoad): Promise<void> => {
  let next = 0;
  const line = `${'The quick brown fox jumps over the lazy dog. '.repeat(2).trim()}\r\n`;
  const body = line.repeat(Math.ceil(load.bytes / line.length));
  const session = async (): Promise<void> => {
    const socket = connect(load.port, '127.0.0.1');
    const replies = replyReader(socket);
    await replies();
    await command(socket, replies, 'EHLO bench.example');
    for (let mail = next++; mail < load.mails; mail = next++) {
      await command(socket, replies, 'MAIL FROM:<sender@example.org>');
      await command(socket, replies, `RCPT TO:<${load.recipient}>`);
      await command(socket, replies, 'DATA');
      const head = `From: sender@example.org\r\nTo: ${load.recipient}\r\nSubject: bench ${mail}\r\nMessage-ID: <${process.pid}.${mail}@bench.example>\r\n\r\n`;
      await command(socket, replies, `${head}${body}.`);
    }
    await command(socket, replies, 'QUIT');
    socket.destroy();
  };
  await Promise.all(Array.from({ length: load.sessions }, session));
};

const command = async (socket: Socket, replies: () => Promise<string>, line: string): Promise<void> => {
  socket.write(`${line}\r\n`);
  const reply = await replies();
  if (!/^[23]/.test(reply)) throw new Error(`the server answered ${reply}`);
};

/** Gives one whole reply (the line whose code is followed by a space) per call. */
const replyReader = (socket: Socket): (() => Promise<string>) => {
  let buffered = '';
  socket.setEncoding('utf8');
  return async () => {
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
};
