/** A DNS server on a real socket that answers from a table: `{'example.org TXT': 'v=spf1 -all'}`. What is not in it does not exist. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { type Answer, AUTHENTIC_DATA, decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet';

export interface DnsServer {
  /** `host:port`, for `DNS_SERVERS`. */
  readonly address: string;
  /** What was asked, as the table's keys. */
  readonly asked: readonly string[];
  readonly close: () => Promise<void>;
}

/** A text is a TXT record. Names of `unsigned` are not signed in a server that validates, and those at and below `bogus` ones are signed wrongly. */
export type Table = Readonly<Record<string, string | readonly Answer[]>>;
export interface Validation {
  readonly unsigned?: readonly string[];
  readonly bogus?: readonly string[];
  /** Datagrams never hold the answers. */
  readonly large?: boolean;
}

const [SERVER_FAILURE, NAME_ERROR] = [2, 3];

/** @param validation for a server that checks DNSSEC, and says so to who wants to know */
export const startDns = async (table: Table, validation?: Validation): Promise<DnsServer> => {
  const asked: string[] = [];
  const respond = (message: Buffer, datagram: boolean): Buffer | null => {
    const { id, questions = [], flags: wanted = 0 } = decode(message);
    const [question] = questions;
    if (question === undefined) return null;
    const name = question.name.toLowerCase();
    const key = `${name} ${question.type}`;
    asked.push(key);
    const found = table[key];
    const isSigned = validation !== undefined && (wanted & AUTHENTIC_DATA) !== 0 && validation.unsigned?.includes(name) !== true;
    const truncated = datagram && validation?.large === true;
    const flags = (isSigned ? AUTHENTIC_DATA : 0) | (truncated ? TRUNCATED_RESPONSE : 0);
    const about: Packet = { type: 'response', id: id ?? 0, questions: [question] };
    if (validation?.bogus?.some((one) => name === one || name.endsWith(`.${one}`)) === true)
      return encode({ ...about, flags: SERVER_FAILURE });
    if (found === undefined) return encode({ ...about, flags: flags | (nameIn(table, name) ? 0 : NAME_ERROR) });
    return encode({ ...about, flags, answers: truncated ? [] : typeof found === 'string' ? [text(question.name, found)] : [...found] });
  };
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const response = respond(message, true);
    if (response !== null) socket.send(response, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const streams = createServer((client) => {
    client.on('error', () => undefined);
    client.once('data', (message) => {
      const response = respond(message.subarray(2), false);
      if (response === null) return client.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(response.length);
      return client.end(Buffer.concat([length, response]));
    });
  });
  if (validation?.large === true) await new Promise<void>((resolve) => streams.listen(port, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${port}`,
    asked,
    close: async () => {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
      if (streams.listening) await new Promise((resolve) => streams.close(resolve));
    },
  };
};

const nameIn = (table: Table, name: string): boolean => Object.keys(table).some((key) => key.startsWith(`${name} `));

/** A text record is a list of strings of at most 255 octets (RFC 1035 §3.3.14). */
const text = (name: string, value: string): Answer => ({ type: 'TXT', name, ttl: 60, data: value.match(/.{1,255}/g) ?? [] });
