import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** A process in which something was found that it must not hold. */
export interface FoundInProcess {
  program: string
  where: 'argv' | 'environment'
  /** Of the environment: the variable. */
  name: string
}

/** Looks at every process of this machine again and again, as whoever may read /proc can. */
export interface ProcessWatch {
  /** Looks now, besides. */
  look(): void
  /** Names of the programs that were seen below the server. */
  readonly programs: ReadonlySet<string>
  /** Ends it, and answers what was found, each once. */
  stop(): Promise<FoundInProcess[]>
}

/** Milliseconds between two looks, each of which takes about as long. */
const everyMs = 10

/** `server` is the process below which programs are noted; `needles` is asked for anew at each look. */
export function watchProcesses(server: number, needles: readonly string[]): ProcessWatch {
  const found = new Map<string, FoundInProcess>()
  const programs = new Set<string>()
  /** A program is what its process runs now: by pid and that. */
  const seen = new Set<string>()
  let stopped = false

  function note(one: FoundInProcess): void {
    found.set(JSON.stringify(one), one)
  }

  function lookAt(pid: string): void {
    const directory = `/proc/${pid}`
    const cmdline = read(`${directory}/cmdline`)
    const key = `${pid} ${cmdline}`
    if (cmdline === '' || seen.has(key)) return
    const environ = read(`${directory}/environ`)
    // Between fork and exec it has its parent's.
    if (environ !== '') seen.add(key)
    const program = programOf(directory)
    if (isBelow(pid, server)) programs.add(program)
    const holds = (text: string) => needles.some((needle) => text.includes(needle))
    if (holds(cmdline)) note({ program, where: 'argv', name: '' })
    for (const variable of environ.split('\0')) {
      if (!holds(variable)) continue
      note({ program, where: 'environment', name: variable.slice(0, variable.indexOf('=')) })
    }
  }

  function look(): void {
    for (const name of readdirSync('/proc')) {
      if (/^\d+$/.test(name) && name !== String(process.pid)) lookAt(name)
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      look()
      await pause(everyMs)
    }
  }
  const running = run()

  return {
    look,
    programs,
    async stop() {
      stopped = true
      await running
      return [...found.values()]
    },
  }
}

/** Empty where the process is gone. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function programOf(directory: string): string {
  try {
    return readlinkSync(`${directory}/exe`).split('/').at(-1) ?? ''
  } catch {
    return ''
  }
}

function isBelow(pid: string, ancestor: number): boolean {
  for (let at = pid; at !== '' && at !== '0';) {
    if (at === String(ancestor)) return true
    // Behind the name, which may hold anything.
    at = /\) \S (\d+) /.exec(read(`/proc/${at}/stat`))?.[1] ?? ''
  }
  return false
}
