/**
 * Bytes are compared as bytes. By itself `toEqual` also looks for properties under each of their numbers, of which it makes a list of strings: for
 * three MiB that took a second, and left as much garbage behind. What differs goes that way still, and is shown as ever.
 */
import { expect } from 'vitest';

const areSameBytes = (one: unknown, other: unknown): true | undefined => {
  if (!(one instanceof Uint8Array && other instanceof Uint8Array)) return undefined;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return undefined;
  return Buffer.compare(one, other) === 0 ? true : undefined;
};

// Suites of one worker share what `expect` knows, and this file runs before each.
const MARK = Symbol.for('tidings.equal-bytes');
if (!Reflect.has(globalThis, MARK)) {
  Reflect.set(globalThis, MARK, true);
  expect.addEqualityTesters([areSameBytes]);
}
