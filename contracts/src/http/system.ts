/** Endpoints about the service itself; open to everyone. */
import * as t from 'io-ts';
import { defineRoute, type Route } from './route.ts';

const open = { method: 'GET', tag: 'System', public: true } as const;

export const welcome = defineRoute({
  ...open,
  id: 'welcome',
  path: '/',
  summary: 'A welcome, and where to go from here.',
  response: t.string,
  produces: 'text',
});

export const getOpenApi = defineRoute({
  ...open,
  id: 'getOpenApi',
  path: '/openapi.json',
  summary: 'This description, as OpenAPI 3.1.',
  response: t.UnknownRecord,
});

export const getHealth = defineRoute({
  ...open,
  id: 'getHealth',
  path: '/health',
  summary: '`Healthy` as long as the process answers.',
  response: t.string,
  produces: 'text',
});

export const getReadiness = defineRoute({
  ...open,
  id: 'getReadiness',
  path: '/ready',
  summary: 'How every service and projection is doing; 503 while one of them is stuck or has failed.',
  response: t.UnknownRecord,
  errors: [503],
});

export const getMetrics = defineRoute({
  ...open,
  id: 'getMetrics',
  path: '/metrics',
  summary: 'Metrics of all processes in the Prometheus text format.',
  response: t.string,
  produces: 'text',
});

export const systemRoutes: readonly Route[] = [welcome, getOpenApi, getHealth, getReadiness, getMetrics];
