import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/kit/sequencer.ts';

// Compiled code is kept where the program keeps its own. Most of it is loaded again and again: by each worker, and by each thread that reads mail.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/tidings', import.meta.url));

/** Their suites share their modules: half of the processor time went into loading them. */
const packages = ['contracts', 'domain', 'projections', 'infra', 'services', 'scripts'];

/** Acceptance suites that hold the program to times or memory, and would be disturbed by others. */
const timed = ['start', 'smtp', 'demo'].map((name) => `tests/acceptance/${name}.test.ts`);

/** For suites about whole programs. */
const programs = { pool: 'forks', testTimeout: 180_000, hookTimeout: 120_000 } as const;
/** All of a program in one process costs the machine less than half; others run as people do by default. */
const together = { ...programs, isolate: false, maxWorkers: 4, env: { PROCESSES: 'one' } };
const oneByOne = { ...programs, fileParallelism: false };

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
        test: { name: 'acceptance', include: ['tests/acceptance/**/*.test.ts'], exclude: timed, ...together, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'timed', include: timed, ...oneByOne, sequence: { groupOrder: 2 } },
      },
      {
        // Programs that are killed, cut off, starved and flooded: `npm run test:endurance`.
        extends: true,
        test: { name: 'endurance', include: ['tests/endurance/**/*.test.ts'], ...oneByOne, sequence: { groupOrder: 3 } },
      },
      {
        // Beside engines that are not built in: `npm run test:engines`.
        extends: true,
        test: { name: 'engines', include: ['tests/engines/**/*.test.ts'], ...together, sequence: { groupOrder: 4 } },
      },
    ],
  },
});
