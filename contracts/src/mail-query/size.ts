/** Sizes as people type them: 1 k is 1024 octets. */
const KIB = 1024;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: KIB, m: KIB ** 2, g: KIB ** 3 };

export const SIZE_EXPECTED = 'a size like 500k, 5M or 1G';
export const LONGEST_SIZE = 12;

/** Null for what is none. */
export const readSize = (typed: string): number | null => {
  const found = /^(\d+)([kmg]?)b?$/i.exec(typed);
  const bytes = Number(found?.[1]) * (UNITS[found?.[2]?.toLowerCase() ?? ''] ?? 1);
  return Number.isSafeInteger(bytes) ? bytes : null;
};

export const printSize = (bytes: number): string => {
  const [unit, size] = Object.entries(UNITS).findLast(([, one]) => bytes >= one && bytes % one === 0) ?? ['', 1];
  return `${bytes / size}${unit === 'k' ? unit : unit.toUpperCase()}`;
};
