/** A DNS server on a real socket that answers from a table: `{'example.org TXT': 'v=spf1 -all'}`. What is not in it does not exist. */
import { createSocket } from 'node:dgram';
import { decode, encode, type Answer } from 'dns-packet';

export interface DnsServer {
  /** `host:port`, for `DNS_SERVERS`. */
  readonly address: string;
  /** What was asked, as the table's keys. */
  readonly asked: readonly string[];
  readonly close: () => Promise<void>;
}

export const startDns = async (texts: Readonly<Record<string, string>>): Promise<DnsServer> => {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const { id, questions = [] } = decode(message);
    const [question] = questions;
    if (question === undefined) return;
    const key = `${question.name.toLowerCase()} ${question.type}`;
    asked.push(key);
    const text = texts[key];
    // A text record is a list of strings of at most 255 octets (RFC 1035 §3.3.14).
    const answers: Answer[] =
      text === undefined ? [] : [{ type: 'TXT', name: question.name, ttl: 60, data: text.match(/.{1,255}/g) ?? [] }];
    const NAME_ERROR = 3;
    socket.send(
      encode({ type: 'response', id: id ?? 0, flags: text === undefined ? NAME_ERROR : 0, questions: [question], answers }),
      port,
      address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
};
