/**
 * `npm run bench`: every figure beside its baseline, measured in the same run on the same machine, as one table and one JSON file. Absolute
 * numbers drift with the machine; the ratio to the baseline is what to compare.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  /** The plain way to do the same, measured beside it. */
  readonly baseline: { readonly what: string; readonly value: number } | null;
  /** What the figure must reach: `value` at least (or at most) `target`. */
  readonly must: { readonly atLeast: number } | { readonly atMost: number } | null;
  readonly note?: string;
}

/** One measurement: a name for the command line, and what it measures. */
export interface Bench {
  readonly name: string;
  /** @param folder where figures are kept */
  readonly run: (say: (line: string) => void, folder: string) => Promise<readonly Figure[]>;
}

export const reached = (figure: Figure): boolean | null => {
  if (figure.must === null) return null;
  return 'atLeast' in figure.must ? figure.value >= figure.must.atLeast : figure.value <= figure.must.atMost;
};

/** The value below which a share `p` (0..1) of the samples lies (nearest rank). `sorted` must be ascending. */
export const percentile = (sorted: ArrayLike<number>, p: number): number =>
  sorted.length === 0 ? Number.NaN : (sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN);

export const sortedCopy = (samples: readonly number[]): Float64Array => Float64Array.from(samples).sort();

const rounded = (value: number): string =>
  value >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : value >= 100
      ? value.toFixed(0)
      : value >= 10
        ? value.toFixed(1)
        : value.toFixed(2);

/** Markdown table, aligned so that it reads as plain text too. */
export const table = (figures: readonly Figure[]): string => {
  const rows = figures.map((figure) => [
    figure.what,
    `${rounded(figure.value)} ${figure.unit}`,
    figure.must === null ? '' : 'atLeast' in figure.must ? `≥ ${rounded(figure.must.atLeast)}` : `≤ ${rounded(figure.must.atMost)}`,
    { true: 'yes', false: 'NO', null: '' }[String(reached(figure)) as 'true' | 'false' | 'null'],
    figure.baseline === null ? '' : `${figure.baseline.what}: ${rounded(figure.baseline.value)}`,
    figure.baseline === null ? '' : `${(figure.value / figure.baseline.value).toFixed(2)}×`,
    figure.note ?? '',
  ]);
  const head = ['figure', 'measured', 'must', 'reached', 'baseline in the same run', 'ratio', 'note'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
};

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;

interface SavedFigure extends Figure {
  readonly reached: boolean | null;
  /** Which bench made it, and when: a run of some benches renews their rows and leaves the others. */
  readonly bench: string;
  readonly measuredAt: string;
}

interface Saved {
  readonly machine: string;
  readonly figures: readonly SavedFigure[];
}

/** What a bench found when it last ran: the value, or its baseline's, of its figure that begins so. @throws when there is none */
export const savedValue = async (folder: string, bench: string, what: string, which: 'value' | 'baseline' = 'value'): Promise<number> => {
  const { figures } = JSON.parse(await readFile(join(folder, 'latest.json'), 'utf8')) as Saved; // our own file
  const figure = figures.find((one) => one.bench === bench && one.what.startsWith(what));
  const value = which === 'value' ? figure?.value : figure?.baseline?.value;
  if (value === undefined) throw new Error(`${folder} has no figure "${what}" of ${bench}: run that bench first`);
  return value;
};

/** Brings `<folder>/latest.json` and `latest.md` up to date with what these benches found. */
export const save = async (folder: string, found: ReadonlyMap<string, readonly Figure[]>, order: readonly string[]): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'latest.json');
  const before = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Saved).figures : []; // our own file
  const measuredAt = new Date().toISOString();
  const figures = order.flatMap((bench) => {
    const fresh = found.get(bench)?.map((figure) => ({ ...figure, reached: reached(figure), bench, measuredAt }));
    return fresh ?? before.filter((figure) => figure.bench === bench);
  });
  const saved: Saved = { machine: machine(), figures };
  await writeFile(file, `${JSON.stringify(saved, null, 2)}\n`);
  await writeFile(
    join(folder, 'latest.md'),
    `# Figures\n\nMade by \`npm run bench\` on ${saved.machine}; what each row means: [bench/README.md](../../bench/README.md). Last measured ${measuredAt.slice(0, 10)}.\n\n${table(figures)}\n`,
  );
};
