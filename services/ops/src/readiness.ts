/** Whether everything that should run runs. Pure: heartbeats and projection rows in, verdict out. */
import type { InstanceStatus } from '@tidings/infra/projector/status';
import { FRESH_MS, type Heartbeat } from './heartbeat.ts';

/** For so long a process is shown as silent whose work another one does. */
const FORGET_MS = 60_000;

export interface Readiness {
  readonly ready: boolean;
  readonly services: readonly ServiceState[];
  readonly projections: readonly ProjectionState[];
}
export interface ServiceState {
  readonly name: string;
  readonly node: string;
  readonly process: string;
  readonly state: string;
  readonly lastProgressAt: string | null;
  readonly waitingOn: string | null;
}
export interface ProjectionState {
  readonly name: string;
  readonly version: number;
  readonly generation: number;
  readonly state: string;
  /** What its worker is doing, `not-owned` when nobody works on it. */
  readonly work: string;
  /** Events between it and the head of the log; null where nobody knows. */
  readonly lag: number | null;
  readonly parkedStreams: number;
  readonly error: string | null;
}

const GOOD = new Set(['idle', 'working', 'behind', 'not-owner']);

export const judge = (heartbeats: readonly Heartbeat[], instances: readonly InstanceStatus[]): Readiness => {
  const all = heartbeats.flatMap((heartbeat) => heartbeat.services.map((service) => ({ service, heartbeat })));
  const isFresh = (heartbeat: Heartbeat): boolean => heartbeat.ageMs <= FRESH_MS;
  const servedElsewhere = (name: string): boolean => all.some(({ service, heartbeat }) => service.name === name && isFresh(heartbeat));
  const isMissed = ({ service, heartbeat }: (typeof all)[number]): boolean => !isFresh(heartbeat) && !servedElsewhere(service.name);
  const services = all
    .filter((one) => one.heartbeat.ageMs <= FORGET_MS || isMissed(one))
    .map(({ service, heartbeat }): ServiceState => {
      const { node, process, ageMs } = heartbeat;
      const { name, state, lastProgressAt, waitingOn } = service;
      const silent = isFresh(heartbeat) ? null : `no sign of life for ${Math.round(ageMs / 1000)} s`;
      return {
        name,
        node,
        process,
        state: silent === null ? state : 'failed',
        lastProgressAt: lastProgressAt === null ? null : new Date(lastProgressAt).toISOString(),
        waitingOn: silent ?? waitingOn,
      };
    });
  const projections = instances.map((instance): ProjectionState => {
    const { name, version, generation, state, progress, parked, owned, error } = instance;
    const lag = progress === null || progress.done === null || progress.total === null ? null : Math.max(0, progress.total - progress.done);
    return {
      name,
      version,
      generation,
      state,
      work: owned ? (progress?.laneState ?? 'starting') : 'not-owned',
      lag,
      parkedStreams: parked,
      error,
    };
  });
  const ready =
    all.length > 0 &&
    all.every((one) => (isFresh(one.heartbeat) ? GOOD.has(one.service.state) : !isMissed(one))) &&
    projections.every((one) => one.state !== 'live' || GOOD.has(one.work));
  return { ready, services, projections };
};
