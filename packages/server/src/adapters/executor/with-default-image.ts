import type { Executor } from '../../ports/executor.ts'

/** Runs commands that name no image in this one. */
export function withDefaultImage(executor: Executor, image: string | null): Executor {
  return {
    name: executor.name,
    get isolation() {
      return executor.isolation
    },
    open: () => executor.open(),
    check: () => executor.check(),
    start: (spec, sink, signal) =>
      executor.start({ ...spec, image: spec.image ?? image }, sink, signal),
    close: () => executor.close(),
  }
}
