/**
 * A self-signed certificate for STARTTLS where none is configured. Senders that encrypt when they can (RFC 7435) do not check it, so it
 * keeps mail from passing in the clear; it proves nothing about who we are. Written in DER by hand (RFC 5280 §4.1): ten fields are
 * less than a library.
 */
import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const YEARS = 10;

/** @param host goes into the common name and the alternative names */
export const selfSigned = (host: string, now: number): Certificate => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid(2, 5, 4, 3), der(0x0c, Buffer.from(host)))));
  const algorithm = sequence(oid(1, 2, 840, 10045, 4, 3, 2)); // ecdsa-with-SHA256
  const alternativeNames = sequence(oid(2, 5, 29, 17), der(0x04, sequence(der(0x82, Buffer.from(host)))));
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(now - 86_400_000), time(now + YEARS * 365 * 86_400_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(alternativeNames)),
  );
  const signature = createSign('sha256').update(toBeSigned).sign(privateKey);
  const certificate = sequence(toBeSigned, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
  };
};

const der = (tag: number, content: Uint8Array): Buffer => Buffer.concat([Buffer.from([tag, ...lengthOf(content.byteLength)]), content]);
const lengthOf = (length: number): readonly number[] =>
  length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
const sequence = (...items: readonly Uint8Array[]): Buffer => der(0x30, Buffer.concat(items));
const set = (...items: readonly Uint8Array[]): Buffer => der(0x31, Buffer.concat(items));
const integer = (bytes: Uint8Array): Buffer => der(0x02, bytes);
const time = (ms: number): Buffer => der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\.\d+Z$/g, '')}Z`));
const oid = (first: number, second: number, ...rest: readonly number[]): Buffer =>
  der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
const base128 = (arc: number): readonly number[] => {
  const digits = [arc & 0x7f];
  for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
};
