/** A raw SMTP client for tests: says exactly the bytes it is told, and gives replies as they come. */
import { connect, type Socket } from 'node:net';

export interface Dialogue {
  /** Sends a line (CRLF is added) and waits for its reply, multi-line replies joined by newlines. */
  say(line: string): Promise<string>;
  /** Bytes as they are; no reply is awaited. */
  send(bytes: Uint8Array | string): void;
  /** The next reply. Rejects when the peer closes instead. */
  reply(): Promise<string>;
  readonly socket: Socket;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  close(): void;
}

/** @param from an address of this machine to call from */
export const dial = async (port: number, from = '127.0.0.1'): Promise<Dialogue> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  // Where nobody listens on a port of the range that callers get theirs from, TCP may connect a socket with itself, which then waits for its own greeting.
  socket.once('connect', () => {
    if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) socket.destroy();
  });
  const replies: string[] = [];
  const waiting: { resolve: (reply: string) => void; reject: (error: Error) => void }[] = [];
  let text = '';
  let lines: string[] = [];
  let over = false;
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
      lines.push(text.slice(0, end));
      text = text.slice(end + 2);
      if (lines.at(-1)?.[3] === '-') continue;
      const reply = lines.join('\n');
      lines = [];
      const next = waiting.shift();
      if (next === undefined) replies.push(reply);
      else next.resolve(reply);
    }
  });
  socket.on('close', () => {
    over = true;
    for (const { reject } of waiting.splice(0)) reject(new Error('the server closed the connection'));
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const reply = (): Promise<string> => {
    const ready = replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (over) return Promise.reject(new Error('the server closed the connection'));
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  return {
    reply,
    send: (bytes) => void socket.write(bytes),
    say: (line) => {
      socket.write(`${line}\r\n`);
      return reply();
    },
    socket,
    closed,
    close: () => socket.destroy(),
  };
};
