/** `/health` for load balancers, `/ready` for operators and orchestrators, `/metrics` for Prometheus. */
import { projectionStatus } from '@tidings/infra/projector/status';
import type { FastifyPluginAsync } from 'fastify';
import { AggregatorRegistry } from 'prom-client';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { readHeartbeats, readMetrics, report, type Heartbeat } from './heartbeat.ts';
import { judge } from './readiness.ts';

export interface OpsOptions {
  /** As given to `startHeartbeat`. */
  readonly process: string;
  /** Those of this process, asked at each request. */
  readonly services: () => readonly Service[];
}

/**
 * - `GET /health`: `Healthy`, 200 as long as this process answers at all; asks nobody else, so an outage elsewhere restarts nothing.
 * - `GET /ready`: every service and projection with state and lag; 503 when one is stuck, failed or silent, or the database is away.
 * - `GET /metrics`: Prometheus text of all processes of this node, told apart by the label `process`.
 */
export const opsRoutes = (platform: Platform, options: OpsOptions): FastifyPluginAsync => {
  const ownHeartbeat = (): Heartbeat => ({
    node: platform.config.nodeName,
    process: options.process,
    services: report(options.services()),
    ageMs: 0,
  });

  return async (app) => {
    app.get('/health', async (_request, reply) => reply.type('text/plain').send('Healthy'));
    if (!platform.config.ops) return;

    app.get('/ready', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      try {
        const [others, instances] = await Promise.all([readHeartbeats(platform), projectionStatus(platform.pool)]);
        const own = ownHeartbeat();
        const verdict = judge([own, ...others.filter((one) => one.node !== own.node || one.process !== own.process)], instances);
        return await reply.code(verdict.ready ? 200 : 503).send(verdict);
      } catch (error) {
        platform.logger.warn({ err: error }, 'readiness could not be read');
        return reply
          .code(503)
          .header('retry-after', '1')
          .send({ ready: false, services: [], projections: [], problem: 'the database does not answer' });
      }
    });

    app.get('/metrics', async (_request, reply) => {
      const own = await platform.metrics.getMetricsAsJSON();
      // Without the database there are still this process's own figures.
      const others = await readMetrics(platform, options.process).catch(() => []);
      const all = AggregatorRegistry.aggregate([own, ...others]);
      return reply.type(all.contentType).send(await all.metrics());
    });
  };
};
