/** One trace id, one log line and one histogram sample per request. */
import type { FastifyInstance } from 'fastify';
import { randomBytes } from 'node:crypto';
import { Histogram } from 'prom-client';
import type { Platform } from '../../platform/src/platform.ts';

/** Trace id of a `traceparent` header (W3C Trace Context §3.2), or a new one when it is absent or malformed. */
export const traceIdOf = (traceparent: string | readonly string[] | undefined): string => {
  const id = typeof traceparent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent)?.[1] : undefined;
  return id === undefined || /^0+$/.test(id) ? randomBytes(16).toString('hex') : id;
};

const METRIC = 'tidings_http_request_duration_seconds';

export const observe = (app: FastifyInstance, platform: Platform): void => {
  const seconds =
    (platform.metrics.getSingleMetric(METRIC) as Histogram<'method' | 'route' | 'status'> | undefined) ?? // registered below, by us alone
    new Histogram({
      name: METRIC,
      help: 'Time from the request to the end of its answer, by route template.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [platform.metrics],
    });
  app.addHook('onRequest', async (request, reply) => {
    request.traceId = traceIdOf(request.headers.traceparent);
    reply.header('trace-id', request.traceId);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    seconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    platform.logger.debug(
      {
        trace_id: request.traceId,
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        user: request.actor?.userId,
      },
      'request',
    );
  });
};
