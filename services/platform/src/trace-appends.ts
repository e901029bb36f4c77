/** A span per append while a collector is configured; nothing otherwise. */
import type { EventStore } from '@tidings/infra/event-store/event-store';
import { isTracing, recordSpan } from '@tidings/infra/telemetry/spans';

export const traceAppends = (store: EventStore): EventStore => ({
  ...store,
  append: async (stream, expected, events, context) => {
    const { traceId } = context;
    if (!isTracing() || traceId === undefined) return store.append(stream, expected, events, context);
    const startedAt = Date.now();
    const record = (outcome: string, error?: string): void =>
      recordSpan({
        name: 'append',
        kind: 'inner',
        traceId,
        startedAt,
        endedAt: Date.now(),
        attributes: {
          'tidings.stream.category': stream.slice(0, stream.indexOf('-')),
          'tidings.events': events.length,
          'tidings.outcome': outcome,
        },
        error,
      });
    try {
      const result = await store.append(stream, expected, events, context);
      record(result.type);
      return result;
    } catch (error) {
      record('failed', error instanceof Error ? error.name : 'unknown');
      throw error;
    }
  },
});
