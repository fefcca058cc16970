import type { Run, Step } from '@slipway/contract/runs'
import { formatSpan } from './format-time.ts'
import { terminalWord } from './terminal-text.ts'

/**
 * What is new in `after`, a line each, in the order of the tree: for logs and pipes, where nothing
 * can be drawn over. States that came and went between the two are not told.
 */
export function describeRunChanges(before: Run | null, after: Run): string[] {
  const lines: string[] = []
  const known = statuses(before)
  const tell = ({ key, item, name, note = '', span = '' }: Told) => {
    if (item.status === 'pending' || known.get(key) === item.status) return
    lines.push([name, item.status, span, note].filter(Boolean).map(terminalWord).join('  '))
  }
  // What begins is told before what it holds, and what ends after it.
  const around = (told: Told, inside: () => void) => {
    if (told.item.status === 'running') tell(told)
    inside()
    if (told.item.status !== 'running') tell(told)
  }
  const run = {
    key: 'run',
    item: after,
    name: `run ${after.id}`,
    note: after.message,
    span: tookOf(after),
  }
  if (before === null) lines.push(`run ${after.id}  created`)
  around(run, () => {
    for (const phase of after.phases) {
      around({ key: phase.id, item: phase, name: phase.name }, () => {
        for (const task of phase.tasks) {
          const place = `${phase.name}/${task.project_name}`
          around({ key: task.id, item: task, name: place, note: task.error }, () => {
            for (const step of task.steps) tell(toldStep(step, place))
          })
        }
      })
    }
  })
  return lines
}

interface Told {
  key: string
  item: { status: string }
  name: string
  note?: string | undefined
  span?: string
}

function toldStep(step: Step, place: string): Told {
  const code = step.exit_code === null || step.exit_code === 0 ? '' : `exit code ${step.exit_code}`
  const note = [code, step.error].filter(Boolean).join(', ')
  return { key: step.id, item: step, name: `${place}/${step.name}`, note, span: tookOf(step) }
}

/** How long it took, once it is over. */
function tookOf(item: { started_at: string | null; completed_at: string | null }): string {
  return item.completed_at === null ? '' : formatSpan(item, 0)
}

function statuses(run: Run | null): Map<string, string> {
  const known = new Map<string, string>()
  if (run === null) return known
  known.set('run', run.status)
  for (const phase of run.phases) {
    known.set(phase.id, phase.status)
    for (const task of phase.tasks) {
      known.set(task.id, task.status)
      for (const step of task.steps) known.set(step.id, step.status)
    }
  }
  return known
}
