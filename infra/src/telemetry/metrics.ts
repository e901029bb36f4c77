/** Prometheus metrics of one process; `services/ops` gathers those of all processes. */
import { collectDefaultMetrics, Registry } from 'prom-client';

/** How often the event loop's delay is measured. Each sample wakes the process, and every 10 ms, as usual, costs an idle one 6 ms a second. */
const LOOP_SAMPLE_MS = 100;

/** @param process the label that tells processes apart once their metrics stand on one page */
export const createMetrics = (process: string): Registry => {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
  return registry;
};
