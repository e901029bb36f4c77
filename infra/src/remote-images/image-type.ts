/**
 * What a picture is, by its first bytes and not by what its sender calls it. Only formats that every browser shows and that hold no script and
 * no reference to elsewhere: no SVG, WMF, EMF or ICO.
 */

/** The media type; null for anything else. */
export const imageTypeOf = (bytes: Buffer): string | null => TYPES.find(({ is }) => is(bytes))?.type ?? null;

const ascii = (bytes: Buffer, from: number, length: number): string => bytes.toString('latin1', from, from + length);
const begins =
  (...wanted: readonly number[]) =>
  (bytes: Buffer): boolean =>
    bytes.length > wanted.length && wanted.every((byte, at) => bytes[at] === byte);

const TYPES: readonly { readonly type: string; readonly is: (bytes: Buffer) => boolean }[] = [
  { type: 'image/png', is: begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a) },
  { type: 'image/jpeg', is: begins(0xff, 0xd8, 0xff) },
  { type: 'image/gif', is: (bytes) => /^GIF8[79]a$/.test(ascii(bytes, 0, 6)) && bytes.length > 6 },
  { type: 'image/webp', is: (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP' },
  { type: 'image/avif', is: (bytes) => ascii(bytes, 4, 4) === 'ftyp' && /^avi[fs]$/.test(ascii(bytes, 8, 4)) },
];
