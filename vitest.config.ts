import { configDefaults, defineConfig } from 'vitest/config'

// Our packages are tested from their sources, not from what the last build left in dist/.
const conditions = ['@slipway/source', 'node', 'development|production']

/** Tests of the dashboard that have containers of their own. */
const withContainers = ['test/web/jobs.test.ts']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // First the browsers alone: whatever they ask for fails while a network's interface comes or goes, and
    // containers of the tests behind them have many.
    projects: [
      {
        extends: true,
        test: {
          name: 'web',
          include: ['test/web/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...withContainers],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'all others',
          include: [
            'packages/*/src/**/*.test.ts',
            'test/!(web)/**/*.test.ts',
            ...withContainers,
            'scripts/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, 'test/lint/fixtures/**'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
    reporters: ['default', './scripts/ci-reporter.ts'],
    globalSetup: ['./test/support/global-setup.ts'],
    maxWorkers: 2,
    // Real processes, sockets and signals on whatever machine CI has: a test that fails once and then
    // passes is printed, and does not stop a change.
    retry: process.env.CI === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // On a machine that is busy with something else, too.
    expect: { poll: { timeout: 10_000 } },
  },
})
