import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/kit/sequencer.ts';

// Compiled code is kept where the program keeps its own. Most of it is loaded again and again: by each worker, and by each thread that reads mail.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/tidings', import.meta.url));

/** Their suites share their modules: half of the processor time went into loading them. */
const packages = ['contracts', 'domain', 'projections', 'infra', 'services', 'scripts'];

/** Acceptance suites that hold the program to times or memory, and would be disturbed by others. */
const timed = ['start', 'smtp', 'demo'].map((name) => `tests/acceptance/${name}.test.ts`);

export default defineConfig({
  test: {
    globalSetup: ['tests/kit/global-setup.ts'],
    setupFiles: ['tests/kit/equal-bytes.ts'],
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
          name: 'unit',
          include: [...packages.map((name) => `${name}/**/*.test.ts`), 'tests/kit/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
          maxWorkers: 4, // on two cores: many wait for sockets and databases
        },
      },
      {
        // The whole as its users meet it.
        extends: true,
        test: {
          name: 'acceptance',
          include: ['tests/acceptance/**/*.test.ts'],
          exclude: timed,
          pool: 'forks',
          isolate: false,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // All in one process costs the machine less than half; those below run as people do by default.
          env: { PROCESSES: 'one' },
        },
      },
      {
        // One file at a time, after everything else.
        extends: true,
        test: {
          name: 'timed',
          include: timed,
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Programs that are killed, cut off, starved and flooded: `npm run test:endurance`.
        extends: true,
        test: {
          name: 'endurance',
          include: ['tests/endurance/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The same beside engines that are not built in: `npm run test:engines`.
        extends: true,
        test: {
          name: 'engines',
          include: ['tests/engines/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
          maxWorkers: 4,
          sequence: { groupOrder: 4 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
          env: { PROCESSES: 'one' },
        },
      },
    ],
  },
});
