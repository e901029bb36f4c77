/**
 * For `lru-cache`: so many entries at most, with memory taken as they come. Its own `max` takes the memory of all of them at once, and time to lay it out:
 * a quarter of a second at each start for what is seldom filled.
 */
export const atMost = (entries: number): { readonly maxSize: number; readonly sizeCalculation: () => number } => ({
  maxSize: entries,
  sizeCalculation: () => 1,
});
