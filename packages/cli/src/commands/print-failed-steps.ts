import type { Run } from '@slipway/contract/runs'
import type { SlipwayClient } from '@slipway/sdk'
import type { Context } from '../context.ts'
import { terminalLine, terminalWord } from '../render/terminal-text.ts'

const MOST_STEPS = 3
const LAST_LINES = 20

/** The end of the logs of the first steps that failed: what one would ask for next. */
export async function printFailedSteps(
  { io, styles }: Context,
  client: SlipwayClient,
  run: Run,
): Promise<void> {
  const failed = run.phases.flatMap((phase) =>
    phase.tasks.flatMap((task) =>
      task.steps
        .filter(({ status, started_at }) => status === 'failed' && started_at !== null)
        .map((step) => ({ id: step.id, place: `${phase.name}/${task.project_name}/${step.name}` })),
    ),
  )
  for (const { id, place } of failed.slice(0, MOST_STEPS)) {
    await io.out.write(`\n${styles.bold(`── ${terminalWord(place)}`)}\n`)
    const lines = client.steps.logs(id, { tail: LAST_LINES, signal: io.signal })
    for await (const { line } of lines) {
      const shown = io.out.isTerminal ? terminalLine(line, styles.enabled) : line
      await io.out.write(`${shown}\n`)
    }
    await io.out.write(styles.dim(`   all of it: slipway logs ${run.id} ${terminalWord(place)}\n`))
  }
  if (failed.length > MOST_STEPS) {
    await io.out.write(styles.dim(`\n${failed.length - MOST_STEPS} more steps failed.\n`))
  }
}
