/** Aligned tables for the terminal. */
import type { ParkedStream } from '@tidings/infra/projector/parking';
import type { InstanceStatus } from '@tidings/infra/projector/status';
import { count, duration } from '../progress.ts';

export const statusTable = (all: readonly InstanceStatus[]): string => {
  if (all.length === 0) return 'There are no projections yet; they are made when the projector starts.\n';
  const table = align([
    ['PROJECTION', 'VERSION', 'STATE', 'LOOP', 'POSITION', 'LAG', 'EVENTS/S', 'LEFT', 'PARKED'],
    ...all.map(({ name, version, generation, state, progress, parked, owned }) => [
      name,
      `v${version} g${generation}`,
      state,
      owned ? (progress?.laneState ?? 'starting') : 'no owner',
      progress === null ? '-' : progress.done === null ? progress.position : count(progress.done),
      progress === null || progress.done === null || progress.total === null ? '-' : count(Math.max(0, progress.total - progress.done)),
      progress === null ? '-' : count(Math.round(progress.rate)),
      progress === null || progress.etaSeconds === null || progress.etaSeconds === 0 ? '-' : duration(progress.etaSeconds),
      count(parked),
    ]),
  ]);
  const notes = all.flatMap(({ schemaName, error, note, progress }) => [
    ...(error === null ? [] : [`${schemaName} stopped: ${error}`]),
    ...(error === null && note !== null ? [`${schemaName}: ${note}`] : []),
    ...(progress?.laneState === 'stuck' ? [`${schemaName} is stuck, waiting on ${progress.waitingOn ?? 'nothing it can name'}`] : []),
  ]);
  return `${table}${notes.length === 0 ? '' : `\n${notes.join('\n')}\n`}`;
};

export const parkedTable = (parked: readonly (ParkedStream & { readonly schemaName: string })[]): string =>
  parked.length === 0
    ? 'No stream is parked.\n'
    : align([
        ['INSTANCE', 'STREAM', 'FROM REVISION', 'TRIED', 'SINCE', 'WHY'],
        ...parked.map((one) => [
          one.schemaName,
          one.stream,
          count(one.fromRevision),
          `${one.attempts}${one.unparkRequested ? ' (asked)' : ''}`,
          one.parkedAt,
          one.error.split('\n')[0] ?? '',
        ]),
      ]);

const NUMERIC = /^[\d,]+$/;

/** Columns as wide as their widest cell; numbers to the right. */
const align = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (NUMERIC.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
};
