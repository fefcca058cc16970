import type { Phase, Run, Step, Task } from '@slipway/contract/runs'
import { formatSpan } from './format-time.ts'
import { shorten } from './shorten.ts'
import type { FrameOptions } from './show-states.ts'
import { spinnerAt } from './spinner.ts'
import type { Style, Styles } from './styles.ts'
import { terminalWord } from './terminal-text.ts'

type Status = Run['status'] | Phase['status']

/** A tree taller than its rows hides what is finished or has not begun, outermost last. */
export interface TreeOptions extends FrameOptions {
  styles: Styles
}

const marks: Record<Exclude<Status, 'running'>, string> = {
  pending: '·',
  success: '✔',
  failed: '✖',
  skipped: '↷',
  cancelled: '■',
}

interface Line {
  indent: number
  status: Status
  name: string
  note: string
}

/** A run as a tree of phases, tasks and steps, one line each. */
export function renderRunTree(run: Run, options: TreeOptions): string[] {
  const { styles } = options
  let lines: Line[] = []
  for (const detail of details) {
    lines = treeLines(run, detail, options.now)
    if (lines.length + 1 <= options.rows) break
  }
  const sha = run.commit_sha.slice(0, 8)
  const title = `${terminalWord(run.repository)} ${terminalWord(run.branch)} ${terminalWord(sha)}`
  const head = `${styles.bold(shorten(title, options.columns))}`
  return [
    head,
    ...lines.slice(0, Math.max(1, options.rows - 1)).map((line) => format(line, options)),
  ]
}

type Shown = 'all' | 'active' | 'none'
interface Detail {
  tasks: Shown
  steps: Shown
}

/** From everything to what fits anywhere. */
const details: readonly Detail[] = [
  { tasks: 'all', steps: 'all' },
  { tasks: 'all', steps: 'active' },
  { tasks: 'active', steps: 'active' },
  { tasks: 'active', steps: 'none' },
  { tasks: 'none', steps: 'none' },
]

function treeLines(run: Run, detail: Detail, now: number): Line[] {
  const { status } = run
  const lines: Line[] = [{ indent: 0, status, name: `run ${run.id}`, note: formatSpan(run, now) }]
  for (const phase of run.phases) {
    lines.push({ indent: 1, status: phase.status, name: phase.name, note: formatSpan(phase, now) })
    for (const task of phase.tasks.filter((item) => isShown(item, detail.tasks))) {
      const { project_name: name } = task
      lines.push({ indent: 2, status: task.status, name, note: taskNote(task, now) })
      for (const step of task.steps.filter((item) => isShown(item, detail.steps))) {
        lines.push({ indent: 3, status: step.status, name: step.name, note: stepNote(step, now) })
      }
    }
  }
  return lines
}

function isShown({ status }: Step | Task, shown: Shown): boolean {
  return shown === 'all' || (shown === 'active' && (status === 'running' || status === 'failed'))
}

function taskNote(task: Task, now: number): string {
  const attempt = task.attempt > 1 ? `attempt ${task.attempt}` : ''
  return [formatSpan(task, now), attempt, task.error ?? ''].filter(Boolean).join('  ')
}

function stepNote(step: Step, now: number): string {
  const code = step.exit_code === null || step.exit_code === 0 ? '' : `exit code ${step.exit_code}`
  return [formatSpan(step, now), code, step.error ?? ''].filter(Boolean).join('  ')
}

function format(line: Line, { styles, frame, columns }: TreeOptions): string {
  const mark = line.status === 'running' ? spinnerAt(frame) : marks[line.status]
  const name = shorten(terminalWord(line.name), Math.max(8, columns - line.indent * 2 - 4))
  const room = columns - line.indent * 2 - 2 - name.length - 2
  const note = room > 3 ? shorten(terminalWord(line.note), room) : ''
  const shown = line.status === 'pending' || line.status === 'skipped' ? styles.dim(name) : name
  const indent = '  '.repeat(line.indent)
  return `${indent}${statusStyle(line.status, styles)(mark)} ${shown}${note ? `  ${styles.dim(note)}` : ''}`
}

function statusStyle(status: Status, styles: Styles): Style {
  if (status === 'success') return styles.green
  if (status === 'failed') return styles.red
  if (status === 'running') return styles.cyan
  return status === 'cancelled' ? styles.yellow : styles.dim
}
