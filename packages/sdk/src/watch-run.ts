import type { Run } from '@slipway/contract/runs'
import type { CallOptions, Transport } from './transport.ts'
import { watchAnswers } from './watch-answers.ts'

/** The run as it is now, and each time that it changed, the last one finished. */
export function watchRun(
  transport: Transport,
  get: (id: string, options: CallOptions) => Promise<Run>,
  id: string,
  options: CallOptions,
): AsyncGenerator<Run, void, undefined> {
  const watched = {
    events: { run_id: id },
    ask: (call: CallOptions) => get(id, call),
    textOf,
    isFinished: (run: Run) => run.completed_at !== null,
  }
  return watchAnswers(transport, watched, options)
}

/** Signed links differ in every answer; they are no change. */
function textOf(run: Run): string {
  return JSON.stringify(run, (key, value: unknown) => (key === 'logs_url' ? undefined : value))
}
