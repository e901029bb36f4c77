import { expect, it } from 'vitest';
import { wavesOf } from './waves.ts';

const threads = (...names: string[]): readonly { readonly threadId: string }[] => names.map((threadId) => ({ threadId }));
const shape = (waves: ReturnType<typeof wavesOf>): string[] => waves.map((wave) => wave.map(({ threadId }) => threadId).join(' '));

it('keeps the order, and takes a thread only once into a wave', () => {
  expect(shape(wavesOf(threads('a', 'b', 'c', 'b', 'a', 'd', 'd')))).toEqual(['a b c', 'b a d', 'd']);
  expect(wavesOf([])).toEqual([]);
});

it('ends a wave before the log would divide it', () => {
  const many = threads(...Array.from({ length: 130 }, (_, i) => `t${i}`));
  const waves = wavesOf(many);
  expect(waves.map((wave) => wave.length)).toEqual([60, 60, 10]);
  expect(waves.flat()).toEqual(many);
});
