import { migrateBlobs } from '@tidings/infra/blobs/postgres';
import { DEFAULT_PLACE } from '@tidings/infra/blobs/open';
import { DEFAULT_LOG } from '@tidings/infra/event-log/open';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { registerProjections } from '@tidings/infra/projector/registry';
import { migrateSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { openWorld, type World } from '@tidings/infra/projector/test-kit';
import { projections } from '../../../projector/src/projections.ts';
import { duration } from '../progress.ts';
import { progressBar } from './follow.ts';
import { projectionsCommand } from './index.ts';
import { parkedTable } from './tables.ts';

let world: World;

const tidings = async (...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> => {
  let out = '';
  const context = { databaseUrl: world.url, blobs: DEFAULT_PLACE, eventLog: DEFAULT_LOG };
  const code = await projectionsCommand(args, { ...context, stdout: { write: (text) => (out += text) } });
  return { code, out };
};

const versionOf = (wanted: string): number | undefined => projections.find(({ name }) => name === wanted)?.version;

describe('tidings projections', () => {
  beforeEach(async () => {
    world = await openWorld();
    await migrateBlobs(world.pool);
  });
  afterEach(() => world.close());

  it('shows every instance', async () => {
    expect(await tidings('status')).toEqual({ code: 0, out: 'There are no projections yet; they are made when the projector starts.\n' });
    await world.start(projections);
    const { out } = await tidings();
    for (const { name, version } of projections) expect(out).toMatch(new RegExp(`^${name} +v${version} g1 +live `, 'm'));
  });

  it('replays, cuts over, rolls back and retires', async () => {
    await world.start(projections);
    await world.mark('a', 1, 2, 3);
    const replayed = await tidings('replay', 'timeline', '--cutover');
    expect(replayed.code).toBe(0);
    const instance = `timeline_v${versionOf('timeline')}`;
    expect(replayed.out).toMatch(new RegExp(`^${instance}_g2 is being built\\.$`, 'm'));
    expect(replayed.out).toMatch(new RegExp(`^${instance}_g2 is ready.*equal row by row\\.$`, 'm'));
    expect((await tidings('rollback', 'timeline')).out).toBe(`${instance}_g1 is live again.\n`);
    expect((await tidings('rollback', 'timeline')).out).toBe(`${instance}_g2 is live again.\n`);
    expect(await tidings('cutover', 'timeline')).toEqual({ code: 1, out: 'nothing of timeline is ready; run a replay first\n' });
    expect((await tidings('status', 'timeline')).out).toMatch(/g1 +draining[^]*g2 +live/);
  });

  it('says what to do when no projector runs', async () => {
    const projector = await world.start(projections);
    await projector.stop();
    expect((await tidings('replay', 'users')).out).toContain('No projector runs');
    expect((await tidings('replay', 'users')).out).toContain('add --restart');
  });

  it('does the work itself when asked to', async () => {
    await migrateEventLog(world.url);
    await migrateSubjectKeys(world.pool);
    await registerProjections(world.pool, projections);
    const replayed = await tidings('replay', 'users', '--here', '--cutover');
    expect(replayed).toMatchObject({ code: 0, out: expect.stringContaining(`users_v${versionOf('users')}_g2 is live`) });
  });

  it('explains wrong arguments', async () => {
    expect(await tidings('replay', 'nonsense')).toMatchObject({ code: 2, out: expect.stringContaining('there is no projection nonsense') });
    expect(await tidings('replay', '--nonsense')).toMatchObject({ code: 2, out: expect.stringContaining('--nonsense') });
    expect(await tidings('explode')).toMatchObject({ code: 2 });
    expect(await tidings('unpark', 'users', 'user-x')).toEqual({ code: 1, out: 'user-x is not parked in users.\n' });
    expect((await tidings('parked')).out).toBe('No stream is parked.\n');
  });
});

describe('what is printed', () => {
  it('is a bar with percentage, rate and time left', () => {
    const progress = {
      position: '' as never,
      laneState: 'behind',
      waitingOn: null,
      done: 50,
      total: 200,
      rate: 1234.5,
      etaSeconds: 61,
      percent: 25,
    };
    const status = {
      ...{ name: 'x', version: 1, generation: 2, schemaName: 'x_v1_g2', error: null, note: null, parked: 0, owned: true, progress },
      state: 'building' as const,
    };
    expect(progressBar(status, 66)).toBe(`${'█'.repeat(4)}${'░'.repeat(11)}  x_v1_g2  25.0 %  1,235 events/s  1 min 1 s left`);
    expect(progressBar(status, 30)).toHaveLength(29);
  });

  it('rounds durations up', () => {
    expect([0.2, 59, 61, 3_700].map(duration)).toEqual(['1 s', '59 s', '1 min 1 s', '1 h 1 min']);
  });

  it('lists parked streams', () => {
    const parked = {
      stream: 'room-1' as never,
      fromRevision: 3,
      fromPosition: '' as never,
      error: 'TypeError: bad\n  at x',
      attempts: 3,
      parkedAt: 'then' as never,
    };
    expect(parkedTable([{ ...parked, schemaName: 'rooms_v1_g1', unparkRequested: true }])).toBe(
      'INSTANCE     STREAM  FROM REVISION  TRIED      SINCE  WHY\nrooms_v1_g1  room-1              3  3 (asked)  then   TypeError: bad\n',
    );
  });
});
