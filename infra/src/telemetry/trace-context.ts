/** Which request or SMTP session the running code works for: W3C Trace Context, carried through awaits. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** The caller's span, when the trace began elsewhere. */
  readonly parentSpanId?: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/;
const ZEROS = /^0+$/;

/** @returns null when the header is absent or malformed (W3C Trace Context §3.2: then begin anew) */
export const parseTraceparent = (header: unknown): TraceContext | null => {
  const match = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  const [, traceId = '0', parentSpanId = '0'] = match ?? [];
  return ZEROS.test(traceId) || ZEROS.test(parentSpanId) ? null : { traceId, parentSpanId };
};

export const newTrace = (): TraceContext => ({ traceId: randomUUID().replaceAll('-', '') });

/** For calls to others. Our spans below a trace hang on its root span, see `rootSpanId`. */
export const traceparent = ({ traceId }: TraceContext): string => `00-${traceId}-${rootSpanId(traceId)}-01`;

/**
 * The span id of our first span in a trace derives from the trace id, so that spans made later, in other processes that read the trace id
 * from an event, find their parent without anything else having been stored.
 */
export const rootSpanId = (traceId: string): string => traceId.slice(16);

const storage = new AsyncLocalStorage<TraceContext>();

/** Runs `work`, and everything it awaits, for this trace: its log lines carry the id. */
export const withTrace = <A>(trace: TraceContext, work: () => A): A => storage.run(trace, work);
export const currentTrace = (): TraceContext | undefined => storage.getStore();
