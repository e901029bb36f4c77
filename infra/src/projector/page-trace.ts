/** Ties a page to the requests that caused its events: one debug line and one span, with their trace ids. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { Logger } from 'pino';
import { isTracing, recordSpan } from '../telemetry/spans.ts';

const MAX_TRACES = 32;

/** Costs nothing unless spans are exported or debug lines are written. */
export const tracePage = (logger: Logger, projection: string, events: readonly Recorded[], startedAt: number, endedAt: number): void => {
  const logs = logger.isLevelEnabled('debug');
  if (!logs && !isTracing()) return;
  const traces = new Set<string>();
  for (const { meta } of events) {
    if (meta.traceId !== undefined) traces.add(meta.traceId);
    if (traces.size >= MAX_TRACES) break;
  }
  const [traceId, ...linkedTraceIds] = traces;
  if (logs)
    logger.debug({ projection, events: events.length, ms: endedAt - startedAt, trace_id: traceId, linkedTraceIds }, 'applied a page');
  if (traceId === undefined) return;
  recordSpan({
    ...{ traceId, linkedTraceIds, startedAt, endedAt },
    name: `project ${projection}`,
    kind: 'inner',
    attributes: { 'tidings.projection': projection, 'tidings.events': events.length },
  });
};
