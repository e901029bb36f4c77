/**
 * Mails are filed in the order of arrival, yet one commit for each would leave the disk to set the pace. So they go in waves: a wave's
 * appends are handed to the log in order and in one go, which it puts into one batch, and the next wave waits for them.
 */

/** Fewer than the log's appender would divide between its two connections, of which neither waits for the other. */
const WAVE = 60;

/** In order; no thread twice in a wave, since the log takes a stream's appends one by one. */
export const wavesOf = <A extends { readonly threadId: string }>(placed: readonly A[]): readonly (readonly A[])[] => {
  const waves: A[][] = [];
  let wave: A[] = [];
  let threads = new Set<string>();
  for (const one of placed) {
    if (wave.length === WAVE || threads.has(one.threadId) || waves.length === 0) {
      wave = [];
      threads = new Set();
      waves.push(wave);
    }
    wave.push(one);
    threads.add(one.threadId);
  }
  return waves;
};
