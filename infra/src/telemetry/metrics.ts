/** Prometheus metrics of one process; `services/ops` gathers those of all processes. */
import { collectDefaultMetrics, Registry } from 'prom-client';

/** @param process the label that tells processes apart once their metrics stand on one page */
export const createMetrics = (process: string): Registry => {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  return registry;
};
