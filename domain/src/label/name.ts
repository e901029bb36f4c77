/** Names of labels: paths like `a/b`, at most so deep and so long, the same whatever their case. */
const DEEPEST = 10;
const LONGEST_STEP = 100;
const LONGEST = 255;

/** As it is kept: composed, without space around its steps; null for what is no name. */
export const normaliseLabelName = (written: string): string | null => {
  const steps = written
    .normalize('NFC')
    .split('/')
    .map((step) => step.trim());
  const name = steps.join('/');
  const fits = steps.length <= DEEPEST && [...name].length <= LONGEST && steps.every(isStep);
  return fits ? name : null;
};

const isStep = (step: string): boolean => step !== '' && [...step].length <= LONGEST_STEP && !/[\p{Cc}\p{Cs}\p{Bidi_Control}]/u.test(step);

/** Two names with one key are the same label. */
export const labelKey = (name: string): string => name.toLowerCase();

/** The names above it, the topmost first. */
export const namesAbove = (name: string): readonly string[] => {
  const steps = name.split('/');
  return steps.slice(1).map((_, depth) => steps.slice(0, depth + 1).join('/'));
};
