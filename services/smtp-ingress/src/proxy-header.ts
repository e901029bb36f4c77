/**
 * The header that a proxy sends ahead of the client's bytes (PROXY protocol, haproxy.org/download/3.0/doc/proxy-protocol.txt), both versions.
 * smtp-server reads version 1 alone, from single addresses.
 */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Where the client is; null when the proxy speaks for itself (health checks) or does not say. */
export interface ProxyHeader {
  readonly source: { readonly address: string; readonly port: number } | null;
  /** The client's own bytes begin here. */
  readonly length: number;
}

export class BadProxyHeader extends Error {
  override readonly name = 'BadProxyHeader';
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** §2.1: "a 108-byte buffer is always enough". */
const MAX_LINE = 107;
/** §2.2 allows 64 KiB of extensions; what proxies send is some hundred bytes. */
const MAX_BINARY = 4_096;
const FIXED = 16;
const LINE = /^PROXY (?:UNKNOWN(?: .*)?|(TCP[46]) (\S+) (\S+) (\d{1,5}) (\d{1,5}))$/;

/** @returns null while more bytes are needed. @throws BadProxyHeader as soon as they cannot be one */
export const readProxyHeader = (bytes: Buffer): ProxyHeader | null => {
  const start = bytes.subarray(0, SIGNATURE.length);
  if (start.equals(SIGNATURE.subarray(0, start.length))) return binary(bytes);
  const expected = Buffer.from('PROXY ').subarray(0, bytes.length);
  if (!bytes.subarray(0, expected.length).equals(expected)) throw new BadProxyHeader('neither version 1 nor 2');
  return line(bytes);
};

const line = (bytes: Buffer): ProxyHeader | null => {
  const end = bytes.subarray(0, MAX_LINE).indexOf('\r\n');
  if (end < 0) {
    if (bytes.length >= MAX_LINE) throw new BadProxyHeader('line too long');
    return null;
  }
  const fields = LINE.exec(bytes.toString('latin1', 0, end));
  if (fields === null) throw new BadProxyHeader('bad line');
  const [, family, from = '', to = '', ...ports] = fields;
  if (family === undefined) return { source: null, length: end + 2 };
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  const [port = 0, toPort = 0] = ports.map(Number);
  if (!isAddress(from) || !isAddress(to) || port > 65_535 || toPort > 65_535) throw new BadProxyHeader('bad address or port');
  return { source: { address: from, port }, length: end + 2 };
};

const binary = (bytes: Buffer): ProxyHeader | null => {
  if (bytes.length < FIXED) return null;
  const [version, command] = [(bytes[12] ?? 0) >> 4, (bytes[12] ?? 0) & 0x0f];
  const [family, transport] = [(bytes[13] ?? 0) >> 4, (bytes[13] ?? 0) & 0x0f];
  const size = bytes.readUInt16BE(14);
  const length = FIXED + size;
  if (version !== 2 || command > 1) throw new BadProxyHeader('unknown version or command');
  if (length > MAX_BINARY) throw new BadProxyHeader('too long');
  if (bytes.length < length) return null;
  if (command === 0 || (family !== 1 && family !== 2) || transport !== 1) return { source: null, length };
  const width = family === 1 ? 4 : 16;
  if (size < 2 * width + 4) throw new BadProxyHeader('addresses missing');
  const address = ipaddr.fromByteArray([...bytes.subarray(FIXED, FIXED + width)]).toString();
  return { source: { address, port: bytes.readUInt16BE(FIXED + 2 * width) }, length };
};
