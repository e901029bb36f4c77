/** Structured logs: one JSON object a line on standard error, with the trace id of whatever the code was doing. */
import { type DestinationStream, type Logger, pino } from 'pino';
import { currentTrace } from './trace-context.ts';

export interface LoggerOptions {
  readonly level: string;
  /** Which process speaks: `api`, `projector`, `smtp`, `supervisor`. */
  readonly process: string;
  readonly destination?: DestinationStream;
}

export const createLogger = ({ level, process, destination }: LoggerOptions): Logger =>
  pino(
    {
      level,
      base: { process },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const trace = currentTrace();
        return trace === undefined ? {} : { trace_id: trace.traceId };
      },
      // Tokens and passwords never reach a log, whatever object they come in.
      redact: {
        paths: ['authorization', '*.authorization', 'headers.cookie', '*.headers.cookie', 'password', '*.password'],
        censor: '[hidden]',
      },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
