/** How far something is that takes long: a bar on a terminal, a line every few per cent elsewhere. */
import type { Out } from './out.ts';

export const CLEAR_LINE = '\r\u001B[2K';
const LINE_EVERY_PERCENT = 5;
const DRAW_EVERY_MS = 100;

/** `████████░░░░  text`, cut to the terminal's width. @param done from 0 to 1 */
export const bar = (done: number, text: string, columns: number): string => {
  const width = Math.min(40, columns - text.length - 4);
  if (width < 5) return text.slice(0, columns - 1);
  const filled = Math.round(done * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}  ${text}`;
};

export interface Progress {
  /** So many more are done; one unless said. */
  readonly tick: (by?: number) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

/** @param things what is counted, as `blobs` */
export const progressOf = (total: number, things: string, out: Out, now: () => number = Date.now): Progress => {
  const startedAt = now();
  let done = 0;
  let drawnAt = 0;
  let said = 0;
  const text = (): string => {
    const seconds = Math.max(0.001, (now() - startedAt) / 1000);
    const rate = done / seconds;
    const left = done === 0 || done >= total ? '' : `  ${duration((total - done) / rate)} left`;
    return `${((done / Math.max(1, total)) * 100).toFixed(1)} %  ${count(done)} of ${count(total)} ${things}  ${count(Math.round(rate))}/s${left}`;
  };
  return {
    tick: (by = 1) => {
      done += by;
      const percent = (done / Math.max(1, total)) * 100;
      if (out.isTTY === true) {
        if (now() - drawnAt < DRAW_EVERY_MS && done < total) return;
        drawnAt = now();
        out.write(`${CLEAR_LINE}${bar(Math.min(1, done / Math.max(1, total)), text(), out.columns ?? 80)}`);
      } else if (percent >= said + LINE_EVERY_PERCENT) {
        said = percent - (percent % LINE_EVERY_PERCENT);
        out.write(`${text()}\n`);
      }
    },
    end: () => void (out.isTTY === true && out.write(CLEAR_LINE)),
  };
};

export const count = (value: number): string => value.toLocaleString('en-US');

export const duration = (seconds: number): string => {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
};
