import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/kit/sequencer.ts';

// Compiled code is kept where the program keeps its own. Most of it is loaded again and again: by each worker, and by each thread that reads mail.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/tidings', import.meta.url));

/** What has no state of its own. Its suites share their modules, as those of the stateful do: half of the processor time went into loading them. */
const stateless = ['contracts', 'domain', 'projections'];
const stateful = ['infra', 'services', 'scripts'];

/** Acceptance suites that hold the program to times or memory under load, and would disturb others, or be disturbed. */
const alone = ['start', 'crash', 'outage', 'slow-clients', 'smtp', 'demo'].map((name) => `tests/acceptance/${name}.test.ts`);

export default defineConfig({
  test: {
    globalSetup: ['tests/kit/global-setup.ts'],
    sequence: { sequencer: LongestFirst },
    // Room for what a suite makes and throws away; with less, collecting it took a seventh of the processor time.
    execArgv: ['--min-semi-space-size=64', '--max-semi-space-size=64'],
    reporters: ['default', './tests/kit/reporter.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    // What comes by itself comes late on a busy machine; a second, as the default has it, is no proof that it never comes.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: stateless.map((name) => `${name}/**/*.test.ts`),
          pool: 'forks',
          isolate: false,
          maxWorkers: 3,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: [...stateful.map((name) => `${name}/**/*.test.ts`), 'tests/kit/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
          maxWorkers: 3, // on two cores: many wait for sockets and databases
        },
      },
      {
        // The whole as its users meet it, and beside real engines.
        extends: true,
        test: {
          name: 'acceptance',
          include: ['acceptance', 'chaos', 'engines'].map((name) => `tests/${name}/**/*.test.ts`),
          exclude: alone,
          pool: 'forks',
          isolate: false,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // All in one process costs the machine less than half; those below run as people do by default.
          env: { PROCESSES: 'one' },
        },
      },
      {
        // Programs under load, starved or measured: one file at a time, after everything else.
        extends: true,
        test: {
          name: 'endurance',
          include: alone,
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
