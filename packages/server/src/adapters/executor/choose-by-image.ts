import type { Executor } from '../../ports/executor.ts'

/**
 * Runs commands with an image by the one executor, the others by the other. Its health and isolation are
 * those of the latter: a server without a container engine is whole, until a step asks for an image.
 */
export function createExecutorByImage(by: { process: Executor; containers: Executor }): Executor {
  return {
    name: by.process.name,
    get isolation() {
      return by.process.isolation
    },
    async open() {
      await Promise.all([by.process.open(), by.containers.open()])
    },
    check: () => by.process.check(),
    start: (spec, sink, signal) =>
      (spec.image === null ? by.process : by.containers).start(spec, sink, signal),
    async close() {
      await Promise.all([by.process.close(), by.containers.close()])
    },
  }
}
