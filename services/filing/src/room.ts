/** Bounds how many bytes of mail are in memory at once, whatever their number. */

export type Room = <A>(bytes: number, work: () => Promise<A>) => Promise<A>;

/** In the order they came; one that is larger than all there is has it to itself. */
export const roomOf = (capacity: number): Room => {
  const waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  let free = capacity;
  const admit = (): void => {
    for (let [first] = waiting; first !== undefined && first.bytes <= free; [first] = waiting) {
      waiting.shift();
      free -= first.bytes;
      first.enter();
    }
  };
  return async (bytes, work) => {
    const taken = Math.min(bytes, capacity);
    await new Promise<void>((enter) => {
      waiting.push({ bytes: taken, enter });
      admit();
    });
    try {
      return await work();
    } finally {
      free += taken;
      admit();
    }
  };
};
