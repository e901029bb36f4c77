import { expect, it } from 'vitest';

it('tells bytes apart by each of them, their number and their kind', () => {
  const bytes = Buffer.alloc(100_000, 'Dear Sir or Madam,');
  const changed = Buffer.from(bytes);
  changed[99_999] = 0;
  expect({ within: [Buffer.from(bytes)] }).toEqual({ within: [bytes] });
  expect(new Uint8Array(bytes)).toStrictEqual(new Uint8Array(bytes));
  for (const other of [changed, bytes.subarray(1), new Uint8Array(bytes)]) {
    expect(other).not.toStrictEqual(bytes);
    expect(() => expect(other).toStrictEqual(bytes)).toThrow(/expected/);
  }
});
