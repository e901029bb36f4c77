import type { InstanceStatus } from '@tidings/infra/projector/status';
import { describe, expect, it } from 'vitest';
import type { Heartbeat, ReportedService } from './heartbeat.ts';
import { judge } from './readiness.ts';

const service = (name: string, state: ReportedService['state'] = 'idle'): ReportedService => ({
  name,
  state,
  lastProgressAt: 0,
  waitingOn: null,
});
const heartbeat = (process: string, services: readonly ReportedService[], ageMs = 100, node = 'n1'): Heartbeat => ({
  node,
  process,
  services,
  ageMs,
});
const instance = (over: Partial<InstanceStatus> = {}): InstanceStatus => ({
  name: 'rooms',
  version: 1,
  generation: 1,
  schemaName: 'rooms_v1_g1',
  state: 'live',
  error: null,
  note: null,
  parked: 0,
  owned: true,
  progress: {
    position: '0'.repeat(16) as never,
    laneState: 'idle',
    waitingOn: null,
    done: 7,
    total: 10,
    rate: 1,
    etaSeconds: 3,
    percent: 70,
  },
  ...over,
});

describe('readiness', () => {
  it('is given when everything runs', () => {
    const verdict = judge(
      [heartbeat('api', [service('query-api')]), heartbeat('projector', [service('projector', 'behind')])],
      [instance()],
    );
    expect(verdict.ready).toBe(true);
    expect(verdict.projections).toMatchObject([{ name: 'rooms', state: 'live', work: 'idle', lag: 3 }]);
  });

  it.each(['stuck', 'failed', 'starting'] as const)('is refused when a service is %s', (state) => {
    expect(judge([heartbeat('api', [service('sse', state)])], []).ready).toBe(false);
  });

  it('is refused when a process is silent, for as long as nobody else does its work', () => {
    const silent = judge([heartbeat('api', [service('sse')]), heartbeat('projector', [service('projector')], 600_000)], []);
    expect(silent.ready).toBe(false);
    expect(silent.services[1]).toMatchObject({ name: 'projector', state: 'failed', waitingOn: 'no sign of life for 600 s' });
    const takenOver = judge(
      [heartbeat('projector', [service('projector')], 600_000, 'gone'), heartbeat('projector', [service('projector')], 10, 'n2')],
      [],
    );
    expect(takenOver).toMatchObject({ ready: true, services: [{ node: 'n2' }] });
    const justGone = judge(
      [heartbeat('projector', [service('projector')], 20_000, 'gone'), heartbeat('projector', [service('projector')], 10, 'n2')],
      [],
    );
    expect(justGone).toMatchObject({ ready: true, services: [{ node: 'gone', state: 'failed' }, { node: 'n2' }] });
  });

  it('is refused when nobody works on a live projection, not for one that is being built', () => {
    const api = [heartbeat('api', [service('sse')])];
    expect(judge(api, [instance({ owned: false })])).toMatchObject({ ready: false, projections: [{ work: 'not-owned' }] });
    expect(judge(api, [instance({ state: 'building', owned: false })]).ready).toBe(true);
  });
});
