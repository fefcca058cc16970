/** A step as the order of a task's steps sees it. */
export interface GraphStep {
  name: string
  needs: readonly string[]
}

/**
 * Runs the steps of a task: each as soon as all it needs have succeeded, side by side
 * otherwise, at most `parallel` at a time. After the first failure nothing more starts and
 * `stopOthers` is called once; resolves when everything that started has ended.
 */
export async function runStepGraph<S extends GraphStep>(input: {
  steps: readonly S[]
  parallel: number
  run: (step: S) => Promise<boolean>
  stopOthers: () => void
}): Promise<boolean> {
  const { steps, parallel, run, stopOthers } = input
  const succeeded = new Set<string>()
  const waiting = new Set(steps)
  const running = new Set<Promise<void>>()
  let failed = false

  const fail = () => {
    if (failed) return
    failed = true
    stopOthers()
  }
  const startReady = () => {
    for (const step of waiting) {
      if (failed || running.size >= parallel) return
      if (!step.needs.every((name) => succeeded.has(name))) continue
      waiting.delete(step)
      const done = run(step)
        .then((ok) => {
          if (ok) succeeded.add(step.name)
          else fail()
        }, fail)
        .finally(() => running.delete(done))
      running.add(done)
    }
  }
  startReady()
  while (running.size > 0) {
    await Promise.race(running)
    startReady()
  }
  return !failed && waiting.size === 0
}
