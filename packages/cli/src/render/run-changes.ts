import type { Run } from '@slipway/contract/runs'
import { formatSpan } from './format-time.ts'
import { terminalWord } from './terminal-text.ts'

/**
 * What is new in `after`, a line each, in the order of the tree: for logs and pipes, where nothing
 * can be drawn over. States that came and went between the two are not told.
 */
export function describeRunChanges(before: Run | null, after: Run): string[] {
  const lines: string[] = []
  const known = statuses(before)
  const tell = (key: string, item: Item, name: string, note = '') => {
    if (item.status === 'pending' || known.get(key) === item.status) return
    const span = item.completed_at === null ? '' : formatSpan(item, 0)
    lines.push([name, item.status, span, note].filter(Boolean).map(terminalWord).join('  '))
  }
  if (before === null)
    tell('run', { ...after, status: 'created', completed_at: null }, `run ${after.id}`)
  for (const phase of after.phases) {
    tell(phase.id, { ...phase, completed_at: null }, phase.name)
    for (const task of phase.tasks) {
      const place = `${phase.name}/${task.project_name}`
      tell(task.id, { ...task, completed_at: null }, place, task.error)
      for (const step of task.steps) {
        const code =
          step.exit_code === null || step.exit_code === 0 ? '' : `exit code ${step.exit_code}`
        const note = [code, step.error].filter(Boolean).join(', ')
        tell(step.id, step, `${place}/${step.name}`, note)
      }
    }
  }
  tell('run', after, `run ${after.id}`, after.message)
  return lines
}

interface Item {
  status: string
  started_at: string | null
  completed_at: string | null
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
