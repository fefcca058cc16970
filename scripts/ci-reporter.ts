import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node'
import type { SerializedError } from 'vitest'

/**
 * Ends the output with one line of its own, `N passed, N failed`, which scripts read.
 * A file that could not be loaded, and an error outside every test, count as one failure each.
 */
export default class CountReporter implements Reporter {
  #filtered = false

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    const counts = countTests(modules, errors.length, this.#filtered)
    if (reason === 'interrupted' && counts.failed === 0) counts.failed = 1
    // Behind the summary of the other reporters, which is printed in the same turn.
    process.once('exit', () => {
      process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
    })
  }
}

function countTests(modules: readonly TestModule[], errors: number, filtered: boolean) {
  const counts = { passed: 0, failed: errors }
  for (const module of modules) {
    counts.failed += module.errors().length
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') counts.passed += 1
      // A test that never ran has proved nothing, unless others were asked for by name.
      else if (state === 'failed' || !filtered) counts.failed += 1
    }
  }
  return counts
}
