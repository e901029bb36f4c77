/**
 * Spans for OpenTelemetry, recorded when the work is done: one call with the two times, and nothing at all while no collector is
 * configured. The SDK is loaded only then.
 */
import { context, type Link, SpanKind, SpanStatusCode, trace, TraceFlags, type Tracer } from '@opentelemetry/api';
import { randomBytes } from 'node:crypto';
import { rootSpanId } from './trace-context.ts';

export interface FinishedSpan {
  readonly name: string;
  readonly traceId: string;
  /**
   * `root`: our first span of this trace (an HTTP request, an SMTP session); all others hang below it. Its parent, when the trace began at
   * the caller, is `parentSpanId`.
   */
  readonly kind: 'root' | 'inner';
  readonly parentSpanId?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly error?: string | undefined;
  /** Other traces that this work was for: a page of events comes from many requests. */
  readonly linkedTraceIds?: readonly string[];
}

const MAX_LINKS = 32;

let tracer: Tracer | null = null;
/** What the id generator gives next; set and used in one synchronous step. */
let nextTraceId = '';
let nextSpanId = '';

/** Whether spans go anywhere; spares callers the work of collecting attributes. */
export const isTracing = (): boolean => tracer !== null;

export const recordSpan = (span: FinishedSpan): void => {
  if (tracer === null) return;
  const root = span.kind === 'root';
  nextTraceId = span.traceId;
  nextSpanId = root ? rootSpanId(span.traceId) : randomBytes(8).toString('hex');
  const parentSpanId = root ? span.parentSpanId : rootSpanId(span.traceId);
  const parent =
    parentSpanId === undefined
      ? context.active()
      : trace.setSpanContext(context.active(), {
          traceId: span.traceId,
          spanId: parentSpanId,
          traceFlags: TraceFlags.SAMPLED,
          isRemote: true,
        });
  const recorded = tracer.startSpan(
    span.name,
    {
      kind: root ? SpanKind.SERVER : SpanKind.INTERNAL,
      root: parentSpanId === undefined,
      startTime: span.startedAt,
      attributes: { ...span.attributes },
      links: (span.linkedTraceIds ?? []).slice(0, MAX_LINKS).map(linkTo),
    },
    parent,
  );
  if (span.error !== undefined) recorded.setStatus({ code: SpanStatusCode.ERROR, message: span.error });
  recorded.end(span.endedAt);
};

const linkTo = (traceId: string): Link => ({ context: { traceId, spanId: rootSpanId(traceId), traceFlags: TraceFlags.SAMPLED } });

/**
 * Sends spans to an OTLP/HTTP collector from now on. Once in a process: it goes by the name of whoever came first, until they end it.
 * @param endpoint as OTEL_EXPORTER_OTLP_ENDPOINT: `/v1/traces` is added
 * @returns sends what is left and stops
 */
export const startTracing = async (endpoint: string, process: string): Promise<() => Promise<void>> => {
  if (tracer !== null) return () => Promise.resolve();
  const [{ TracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': `tidings-${process}`, 'service.namespace': 'tidings' }),
    idGenerator: { generateTraceId: () => nextTraceId, generateSpanId: () => nextSpanId },
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }), scheduledDelayMillis: 1_000 }),
    ],
  });
  tracer = provider.getTracer('tidings');
  return async () => {
    tracer = null;
    await provider.shutdown();
  };
};
