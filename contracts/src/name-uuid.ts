/** UUIDs of version 5 (RFC 9562 §5.5) in Tidings' own namespace, where Node hashes. Browsers take `name-uuid.browser.ts` (package.json, `imports`). */
import { hash } from 'node:crypto';
import { parse } from 'uuid';

/** Root of every derived id, so that ours never collide with another system's v5 ids. */
const NAMESPACE_BYTES = Buffer.from(parse('c1d6f4d2-8c0b-5d5e-9f0e-2f6b4c1a7e10'));

/** Every message makes several; the `uuid` package's `v5` gives the same at four times the cost. */
export const nameUuid = (name: string): string => {
  const digest = hash('sha1', Buffer.concat([NAMESPACE_BYTES, Buffer.from(name, 'utf8')]), 'hex');
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
};
