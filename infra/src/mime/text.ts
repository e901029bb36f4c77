/** Text as it may leave this package: no control characters, no half characters, no longer than told. */

/** One line: for subjects, names, addresses. */
export const line = (value: string, max: number): string =>
  cut(
    value
      .slice(0, max * 4)
      .replace(CONTROLS, ' ')
      .trim(),
    max,
  );

/** Several lines; NUL goes because Postgres has no text with it. */
export const block = (value: string, max: number): string => cut(value, max).replaceAll('\0', '');

// oxlint-disable-next-line no-control-regex -- they are what it looks for
const CONTROLS = /[\u0000-\u001f\u007f\u2028\u2029]+/g;

/** At most `max` UTF-16 units, never through the middle of a character. */
const cut = (value: string, max: number): string => {
  const short = value.length <= max ? value : value.slice(0, isHighSurrogate(value.charCodeAt(max - 1)) ? max - 1 : max);
  return short.isWellFormed() ? short : short.toWellFormed();
};

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
