/** RFC 4648 §6 in lower case, without padding: text that survives servers which fold the case of a local part. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

export const base32 = (bytes: Uint8Array): string => {
  let [text, bits, held] = ['', 0, 0];
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
};

/** Null for what is none; left over bits must be zero, so that each text is written in one way. */
export const fromBase32 = (text: string): Buffer | null => {
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return null;
    held = ((held << 5) | value) & 0xffff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return bits < 5 && (held & ((1 << bits) - 1)) === 0 ? Buffer.from(bytes) : null;
};
