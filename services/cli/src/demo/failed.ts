/** What went another way than the story tells, in a sentence for the person at the terminal. */
export class DemoFailed extends Error {
  override readonly name = 'DemoFailed';
}

/** @throws DemoFailed unless it is so */
export function surely(isSo: boolean, otherwise: string): asserts isSo {
  if (!isSo) throw new DemoFailed(otherwise);
}

/** @throws DemoFailed when there is none */
export const found = <A>(value: A | null | undefined, otherwise: string): A => {
  if (value === null || value === undefined) throw new DemoFailed(otherwise);
  return value;
};
