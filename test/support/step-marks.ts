import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a step has said of itself: `pid` is of its own PID namespace, which `space` names. */
export interface StepMark {
  what: 'begin' | 'end' | 'twice'
  step: string
  pid: string
  space: string
}

/**
 * Where steps of all workers of this machine say when they begin and end. Each holds a lock for as long as it, or a
 * process of it, lives, whoever kills it; one that finds another of its name alive says `twice` and fails.
 */
export interface StepMarks {
  /** A data directory whose steps share their cache with those of the others. */
  dataDir(): Promise<string>
  /** A script that does `body` in between. `$MARKS` is a directory that all steps share. */
  script(step: string, body: string): string
  /** Makes this file in `$MARKS`, for steps that wait for it. A step has to have begun before. */
  tell(file: string): Promise<void>
  /** In the order in which they were said. */
  read(): Promise<StepMark[]>
  close(): Promise<void>
}

export async function createStepMarks(): Promise<StepMarks> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-marks-'))
  const shared = join(root, 'cache')
  await mkdir(shared)
  await chmod(shared, 0o777)
  let directories = 0
  const places = async () => {
    const entries = await readdir(shared, { recursive: true, withFileTypes: true })
    return entries.filter(({ name }) => name === 'marks').map(({ parentPath }) => parentPath)
  }
  return {
    async dataDir() {
      const dataDir = join(root, `data-${(directories += 1)}`)
      await mkdir(dataDir, { mode: 0o700 })
      await symlink(shared, join(dataDir, 'cache'))
      return dataDir
    },
    script: (step, body) =>
      [
        'MARKS=$SLIPWAY_CACHE',
        `mark() { echo "$1 ${step} $$ $(readlink /proc/self/ns/pid)" >> "$MARKS/marks"; }`,
        `exec 9>>"$MARKS/${step}.lock"`,
        'flock -n 9 || { mark twice; exit 99; }',
        'mark begin',
        body,
        'mark end',
      ].join('\n'),
    async tell(file) {
      for (const place of await places()) await writeFile(join(place, file), '')
    },
    async read() {
      const marks: StepMark[] = []
      for (const place of await places()) {
        const text = await readFile(join(place, 'marks'), 'utf8')
        for (const line of text.split('\n').slice(0, -1)) {
          const [what = '', step = '', pid = '', space = ''] = line.split(' ')
          marks.push({ what: what as StepMark['what'], step, pid, space })
        }
      }
      return marks
    },
    close: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** What each step said, in order: `{ one: 'begin end' }`. */
export function coursesOf(marks: readonly StepMark[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { step, what } of marks) {
    found[step] = found[step] === undefined ? what : `${found[step]} ${what}`
  }
  return found
}
