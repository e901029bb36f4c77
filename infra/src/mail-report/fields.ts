/** The fields that machine-readable reports are made of (RFC 3464 §2.1, RFC 5965 §3): groups, separated by empty lines. */
import { fieldsOf } from '../mime/head.ts';
import { line } from '../mime/text.ts';

/** By name in lower case, each value unfolded; the order of equal names is kept. */
export type Group = ReadonlyMap<string, readonly string[]>;

const MAX_BYTES = 256 * 1024;
const MAX_GROUPS = 1_000;
const MAX_VALUE = 2_000;

/** What is no field is passed over. */
export const groupsOf = (part: Uint8Array): readonly Group[] => {
  const text = Buffer.from(part.subarray(0, MAX_BYTES)).toString().replaceAll(/\r\n?/g, '\n');
  return text
    .split(/\n[ \t]*\n+/, MAX_GROUPS)
    .map(groupOf)
    .filter((group) => group.size > 0);
};

const groupOf = (text: string): Group => {
  const group = new Map<string, string[]>();
  for (const field of fieldsOf(Buffer.from(text))) {
    const written = Buffer.from(field).toString();
    const [, name = '', value = ''] = /^([!-9;-~]{1,100})[ \t]*:([\s\S]*)$/.exec(written) ?? [];
    if (name === '') continue;
    const values = group.get(name.toLowerCase()) ?? [];
    values.push(line(value, MAX_VALUE));
    group.set(name.toLowerCase(), values);
  }
  return group;
};

export const first = (group: Group, name: string): string | null => group.get(name)?.[0] ?? null;

/** What stands behind the type, `rfc822; someone@example.org`: many leave the type out. */
export const untyped = (value: string): string => value.replace(/^[a-z0-9-]{1,40}[ \t]*;[ \t]*/i, '').trim();

/** Of `rfc822;<someone@example.org>`, and of `utf-8; …` (RFC 6533 §3); null for what is no address. */
export const addressIn = (value: string | null): string | null => {
  const address =
    value === null
      ? ''
      : untyped(value)
          .replace(/^.*<([^<>]*)>.*$/, '$1')
          .trim();
  return address.includes('@') && !/\s/.test(address) ? address : null;
};

/** Null where a server wrote nothing, or something that is no name. */
export const hostIn = (value: string | null): string | null => {
  const host = value === null ? '' : (untyped(value).split(/\s/, 1)[0] ?? '');
  return /^[\w.:[\]-]{1,255}$/.test(host) ? host : null;
};
