/**
 * DNS answers with the word of a validating resolver on them (RFC 4035 §3.2.3, RFC 6840 §5.7): `secure` when it says that it checked the signatures
 * (AD). Node's own resolver does not tell that bit. Such a word counts only from a resolver that nobody can pretend to be on the way to us: which
 * those are is for the caller to know.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { DnsFailure } from '@tidings/contracts/ports/dns';
import { type Answer, AUTHENTIC_DATA, type DecodedPacket, decode, encode, type Packet, RECURSION_DESIRED, streamEncode } from 'dns-packet';
import { atMost } from '../cache/at-most.ts';
import { LRUCache } from 'lru-cache';

export type SecureType = 'A' | 'AAAA' | 'MX' | 'TLSA';

export interface Validated {
  readonly secure: boolean;
  /** Of the type that was asked for; none for a name or a record that does not exist. */
  readonly records: readonly Answer[];
}

export interface ValidatingDns {
  /** @throws DnsFailure when nobody answers, or the answer is not to be trusted (`ESERVFAIL`) */
  readonly ask: (name: string, type: SecureType) => Promise<Validated>;
}

export interface ValidatingDnsOptions {
  /** Addresses, with a port when it is not 53; asked one after the other. */
  readonly servers: readonly string[];
  /** Of one try; there are two for each server. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
}

const TRIES = 2;
const REMEMBERED = 20_000;
const LONGEST_MS = 300_000;
const REMEMBER_ABSENCE_MS = 60_000;

export const openValidatingDns = ({ servers, timeoutMs = 1_500, now = Date.now }: ValidatingDnsOptions): ValidatingDns => {
  const remembered = new LRUCache<string, Validated>({ ...atMost(REMEMBERED), ttl: LONGEST_MS, ttlResolution: 0, perf: { now } });
  const asking = new Map<string, Promise<Validated>>();
  const endpoints = servers.map(endpointOf);

  const answer = async (key: string, name: string, type: SecureType): Promise<Validated> => {
    try {
      const packet = await firstAnswer(endpoints, name, type, timeoutMs);
      const records = (packet.answers ?? []).filter((one) => one.type === type);
      const found: Validated = { secure: packet.flag_ad, records };
      const seconds = Math.min(...(packet.answers ?? []).map((one) => ('ttl' in one ? (one.ttl ?? 0) : 0)));
      const ttl = records.length === 0 ? REMEMBER_ABSENCE_MS : Math.min(LONGEST_MS, seconds * 1_000);
      if (ttl > 0) remembered.set(key, found, { ttl });
      return found;
    } finally {
      asking.delete(key);
    }
  };

  return {
    ask: (name, type) => {
      const key = `${type} ${name.toLowerCase()}`;
      const known = remembered.get(key);
      if (known !== undefined) return Promise.resolve(known);
      const pending = asking.get(key) ?? answer(key, name, type);
      asking.set(key, pending);
      return pending;
    },
  };
};

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`, as `node:dns` writes them. */
export const endpointOf = (text: string): Endpoint => {
  if (isIPv6(text)) return { host: text, port: 53 };
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: Number(port ?? 53) };
};

const firstAnswer = async (endpoints: readonly Endpoint[], name: string, type: SecureType, timeoutMs: number): Promise<DecodedPacket> => {
  let failure = new DnsFailure('ENONAME', type, name);
  for (let tried = 0; tried < TRIES; tried += 1) {
    for (const endpoint of endpoints) {
      try {
        const packet = await overUdp(endpoint, name, type, timeoutMs);
        return checked(packet.flag_tc ? await overTcp(endpoint, name, type, timeoutMs) : packet, name, type);
      } catch (error) {
        failure = error instanceof DnsFailure ? error : new DnsFailure(codeOf(error), type, name);
      }
    }
  }
  throw failure;
};

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : 'EBADRESP';

/** No such name is an answer; that a server failed is what a resolver says of signatures that are wrong. */
const checked = (packet: DecodedPacket, name: string, type: SecureType): DecodedPacket => {
  const code = (packet.flags ?? 0) & 0xf;
  if (code === NO_ERROR || code === NO_SUCH_NAME) return packet;
  throw new DnsFailure(FAILURES[code] ?? 'EBADRESP', type, name);
};
/** RFC 1035 §4.1.1. */
const [NO_ERROR, NO_SUCH_NAME] = [0, 3];
const FAILURES: Readonly<Record<number, string>> = { 1: 'EFORMERR', 2: 'ESERVFAIL', 4: 'ENOTIMP', 5: 'EREFUSED' };

const questionFor = (id: number, name: string, type: SecureType): Packet => ({
  ...{ type: 'query', id, flags: RECURSION_DESIRED | AUTHENTIC_DATA, questions: [{ name, type }] },
});

/** The answer to this very question, else null: anybody may send us a datagram. */
const answerTo = (bytes: Buffer, id: number, name: string, type: SecureType): DecodedPacket | null => {
  const packet = decode(bytes);
  const [question] = packet.questions ?? [];
  const ours =
    packet.type === 'response' && packet.id === id && question?.type === type && question.name.toLowerCase() === name.toLowerCase();
  return ours ? packet : null;
};

const overUdp = ({ host, port }: Endpoint, name: string, type: SecureType, timeoutMs: number): Promise<DecodedPacket> =>
  new Promise((resolve, reject) => {
    const id = randomInt(65_536);
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const timer = setTimeout(() => over(() => reject(new DnsFailure('ETIMEOUT', type, name))), timeoutMs);
    const over = (then: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
      then();
    };
    socket.on('error', (error) => over(() => reject(error)));
    socket.on('message', (bytes) => {
      try {
        const packet = answerTo(bytes, id, name, type);
        if (packet !== null) over(() => resolve(packet));
      } catch (error) {
        over(() => reject(error));
      }
    });
    // Connected, so that the kernel takes answers of this server alone.
    socket.connect(port, host, () => socket.send(encode(questionFor(id, name, type))));
  });

/** For answers that do not fit into a datagram (RFC 7766). */
const overTcp = ({ host, port }: Endpoint, name: string, type: SecureType, timeoutMs: number): Promise<DecodedPacket> =>
  new Promise((resolve, reject) => {
    const id = randomInt(65_536);
    const socket = connect({ host, port, timeout: timeoutMs });
    let received = Buffer.alloc(0);
    const timer = setTimeout(() => fail(new DnsFailure('ETIMEOUT', type, name)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new DnsFailure('EBADRESP', type, name)));
    socket.on('connect', () => socket.write(streamEncode(questionFor(id, name, type))));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      try {
        const packet = answerTo(received.subarray(2, 2 + received.readUInt16BE(0)), id, name, type);
        if (packet === null) throw new DnsFailure('EBADRESP', type, name);
        clearTimeout(timer);
        socket.removeAllListeners('close').destroy();
        resolve(packet);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
