import { defineConfig } from 'vitest/config';

const packages = ['contracts', 'domain', 'projections', 'infra', 'services', 'scripts'];

export default defineConfig({
  test: {
    globalSetup: ['tests/kit/global-setup.ts'],
    reporters: ['default', './tests/kit/reporter.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [...packages.map((name) => `${name}/**/*.test.ts`), 'tests/kit/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
        },
      },
      {
        // Whole programs under load: one file at a time, after everything else.
        extends: true,
        test: {
          name: 'acceptance',
          include: ['tests/acceptance/**/*.test.ts', 'tests/chaos/**/*.test.ts', 'tests/engines/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
