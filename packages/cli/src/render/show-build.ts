import type { Build, BuildStepState } from '@slipway/contract/builds'
import type { Output } from '../io.ts'
import { formatSpan } from './format-time.ts'
import { renderShare } from './progress-bar.ts'
import { shorten } from './shorten.ts'
import { type FrameOptions, showStates } from './show-states.ts'
import { spinnerAt } from './spinner.ts'
import type { Style, Styles } from './styles.ts'
import { terminalWord } from './terminal-text.ts'

type Status = BuildStepState['status']

/** Characters of the bar of a step that says how far it is. */
const barWidth = 16

const marks: Record<Exclude<Status, 'running'>, string> = {
  pending: '·',
  completed: '✔',
  failed: '✖',
  skipped: '↷',
}

/** Shows a build until it has ended; answers it as it ended, null when `builds` ended without any. */
export function showBuild(
  output: Output,
  styles: Styles,
  builds: AsyncIterable<Build>,
): Promise<Build | null> {
  const shown = {
    draw: (build: Build, frame: FrameOptions) => renderBuild(build, { styles, ...frame }),
    describe: describeBuildChanges,
  }
  return showStates(output, shown, builds)
}

/** A build with its steps, a line each. */
export function renderBuild(
  build: Build,
  options: { styles: Styles } & Omit<FrameOptions, 'rows'>,
): string[] {
  const { styles, columns, now } = options
  const commit = build.commit_sha === null ? '' : build.commit_sha.slice(0, 8)
  const attempt = build.attempt > 1 ? `attempt ${build.attempt}` : ''
  const title = [build.repository_info.name, build.ref ?? '', commit].filter(Boolean).join(' ')
  const head = { status: build.status, name: `build ${build.id}` }
  const spans = { started_at: build.executed_at, completed_at: build.completed_at }
  return [
    styles.bold(shorten(terminalWord(title), columns)),
    format(
      { ...head, note: [formatSpan(spans, now), attempt].filter(Boolean).join('  ') },
      options,
    ),
    ...build.steps.map(
      (step) =>
        `  ${format({ status: step.status, name: step.name, note: noteOf(step, now) }, { ...options, columns: columns - 2 })}`,
    ),
  ]
}

function noteOf(step: BuildStepState, now: number): string {
  const { status, progress } = step
  const bar =
    status === 'running' && progress !== null
      ? `${progress}% ${renderShare(progress / 100, barWidth)}`
      : ''
  return [formatSpan(step, now), bar].filter(Boolean).join('  ')
}

function format(
  line: { status: Status; name: string; note: string },
  { styles, frame, columns }: { styles: Styles; frame: number; columns: number },
): string {
  const mark = line.status === 'running' ? spinnerAt(frame) : marks[line.status]
  const name = shorten(terminalWord(line.name), Math.max(8, columns - 2))
  const room = columns - name.length - 4
  const note = room > 3 && line.note !== '' ? `  ${styles.dim(shorten(line.note, room))}` : ''
  const isQuiet = line.status === 'pending' || line.status === 'skipped'
  return `${styleOf(line.status, styles)(mark)} ${isQuiet ? styles.dim(name) : name}${note}`
}

function styleOf(status: Status, styles: Styles): Style {
  if (status === 'completed') return styles.green
  if (status === 'failed') return styles.red
  return status === 'running' ? styles.cyan : styles.dim
}

/**
 * What is new in `after`, a line each, for logs and pipes, where nothing can be drawn over. A new attempt
 * begins with all its steps.
 */
export function describeBuildChanges(before: Build | null, after: Build): string[] {
  const isAnew = before === null || before.attempt !== after.attempt
  const known = new Map(isAnew ? [] : before.steps.map(({ key, status }) => [key, status]))
  const lines = after.steps
    .filter(({ key, status }) => status !== 'pending' && known.get(key) !== status)
    .map((step) => [step.key, step.status, tookOf(step)])
  const own = before?.status === after.status && !isAnew ? [] : [ownLine(after)]
  // What begins is told before what it holds, and what ends after it.
  const all = after.completed_at === null ? [...own, ...lines] : [...lines, ...own]
  const told =
    before === null && after.status !== 'pending' ? [[`build ${after.id}`, 'created'], ...all] : all
  return told.map((line) => line.filter(Boolean).map(terminalWord).join('  '))
}

function ownLine(build: Build): string[] {
  const { id, status, executed_at: started_at, completed_at, attempt } = build
  const name = `build ${id}`
  if (status === 'pending') return [name, 'created']
  if (status === 'running') return [name, status, attempt > 1 ? `attempt ${attempt}` : '']
  return [name, status, tookOf({ started_at, completed_at }), build.error ?? '']
}

/** How long it took, once it is over. */
function tookOf(item: { started_at: string | null; completed_at: string | null }): string {
  return item.completed_at === null ? '' : formatSpan(item, 0)
}
