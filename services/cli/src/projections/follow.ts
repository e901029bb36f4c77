/** Watches a build until it is ready: a bar on a terminal, a line every few per cent elsewhere. */
import { setTimeout as delay } from 'node:timers/promises';
import { projectionStatus, type InstanceStatus } from '@tidings/infra/projector/status';
import type { Pool } from 'pg';
import type { Out } from '../out.ts';
import { bar, CLEAR_LINE, count, duration } from '../progress.ts';

const LOOK_MS = 200;
const LINE_EVERY_PERCENT = 5;

/** @returns true when it became ready (or live), false when it stopped, was found different, or was given up */
export const follow = async (pool: Pool, schemaName: string, out: Out): Promise<boolean> => {
  let said = -LINE_EVERY_PERCENT;
  for (;;) {
    const status = (await projectionStatus(pool)).find((one) => one.schemaName === schemaName);
    const end = endOf(schemaName, status);
    if (end !== null) {
      out.write(`${out.isTTY === true ? CLEAR_LINE : ''}${end.text}\n`);
      return end.ready;
    }
    const percent = status?.progress?.percent ?? 0;
    if (status !== undefined && out.isTTY === true) out.write(`${CLEAR_LINE}${progressBar(status, out.columns ?? 80)}`);
    else if (status !== undefined && percent >= said + LINE_EVERY_PERCENT) {
      said = percent - (percent % LINE_EVERY_PERCENT);
      out.write(`${progressText(status)}\n`);
    }
    await delay(LOOK_MS);
  }
};

const endOf = (schemaName: string, status: InstanceStatus | undefined): { readonly ready: boolean; readonly text: string } | null => {
  if (status === undefined) return { ready: false, text: `${schemaName} was given up.` };
  if (status.error !== null) return { ready: false, text: `${schemaName} stopped while ${status.state}: ${status.error}` };
  if (status.state === 'building' || status.state === 'verifying') return null;
  const events = status.progress?.done ?? null;
  return {
    ready: true,
    text: `${schemaName} is ${status.state}${events === null ? '' : ` after ${count(events)} events`}${status.note === null ? '' : `: ${status.note}`}.`,
  };
};

/** `timeline_v1_g2  ████████░░░░  63.2 %  81,204 events/s  12 s left`, cut to the terminal's width. */
export const progressBar = (status: InstanceStatus, columns: number): string =>
  bar((status.progress?.percent ?? 0) / 100, progressText(status), columns);

const progressText = ({ schemaName, state, progress }: InstanceStatus): string => {
  if (state === 'verifying') return `${schemaName}  comparing with the live one`;
  if (progress === null) return `${schemaName}  waiting for the projector`;
  const percent = progress.percent === null ? progress.position : `${progress.percent.toFixed(1)} %`;
  const left = progress.etaSeconds === null || progress.etaSeconds === 0 ? '' : `  ${duration(progress.etaSeconds)} left`;
  return `${schemaName}  ${percent}  ${count(Math.round(progress.rate))} events/s${left}`;
};
