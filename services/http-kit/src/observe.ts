/** One trace, one log line, one span and one histogram sample per request. */
import { recordSpan } from '@tidings/infra/telemetry/spans';
import { newTrace, parseTraceparent, withTrace, type TraceContext } from '@tidings/infra/telemetry/trace-context';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Histogram } from 'prom-client';
import type { Platform } from '../../platform/src/platform.ts';

/** The caller's trace (W3C Trace Context), or a new one when the header is absent or malformed. */
export const traceOf = (request: Pick<FastifyRequest, 'headers'>): TraceContext =>
  parseTraceparent(request.headers.traceparent) ?? newTrace();

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
    request.trace = traceOf(request);
    reply.header('trace-id', request.trace.traceId);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    seconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    withTrace(request.trace, () => logRequest(platform, request, reply, route));
    recordSpan({
      name: `${request.method} ${route}`,
      ...request.trace,
      kind: 'root',
      startedAt: platform.now() - reply.elapsedTime,
      endedAt: platform.now(),
      attributes: { 'http.request.method': request.method, 'http.route': route, 'http.response.status_code': reply.statusCode },
      ...(reply.statusCode >= 500 ? { error: `HTTP ${reply.statusCode}` } : {}),
    });
  });
};

/** What we failed at is of interest to everyone, and told in words elsewhere too; who asked for what, and was refused, to who looks for it. */
const logRequest = (platform: Platform, request: FastifyRequest, reply: FastifyReply, route: string): void => {
  const level = reply.statusCode >= 500 ? 'info' : 'debug';
  if (!platform.logger.isLevelEnabled(level)) return;
  platform.logger[level](
    {
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      user: request.actor?.userId,
    },
    'request',
  );
};
