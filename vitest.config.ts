import { configDefaults, defineConfig } from 'vitest/config'

// Our packages are tested from their sources, not from what the last build left in dist/.
const conditions = ['@slipway/source', 'node', 'development|production']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/lint/fixtures/**'],
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
