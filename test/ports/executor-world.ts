import { execFile } from 'node:child_process'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type {
  Execution,
  ExecutionLimits,
  ExecutionResult,
  ExecutionSpec,
  Executor,
} from '../../packages/server/src/ports/executor.ts'

/** Directories of one test, and an executor that runs in them. */
export interface ExecutorWorld {
  readonly executor: Executor
  readonly stateDir: string
  readonly workspace: string
  readonly cache: string
  readonly readOnly: string
  spec(argv: readonly string[], over?: SpecChanges): ExecutionSpec
  /** Starts a command and collects its output. */
  start(argv: readonly string[], over?: SpecChanges): Promise<Started>
  /** Starts a shell script, and waits for its end. */
  sh(script: string, over?: SpecChanges): Promise<ExecutionResult & { output: string }>
  /** A pipe in the workspace that tells whether anybody holds it open. */
  witness(): Promise<Witness>
  close(): Promise<void>
}

export interface SpecChanges extends Partial<Omit<ExecutionSpec, 'argv' | 'limits'>> {
  limits?: Partial<ExecutionLimits>
}

export interface Started extends Execution {
  output(): string
  /** Resolves once the output holds `text`; fails when the command ends without it. */
  said(text: string): Promise<void>
}

export interface Witness {
  /** What a script calls first: everything it starts from then on holds the witness, too. */
  readonly hold: string
  /** Whether any process still holds it. Meaningful once the script has said so. */
  held(): boolean
}

const roomy: ExecutionLimits = {
  timeoutMs: 20_000,
  outputBytes: 16 << 20,
  memoryBytes: null,
  pids: null,
  cpus: null,
}

export async function makeExecutorWorld(
  makeExecutor: (stateDir: string) => Executor,
  image: string | null,
): Promise<ExecutorWorld> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'slipway-executor-')))
  const [stateDir, workspace, cache, readOnly] = ['state', 'workspace', 'cache', 'shared'].map(
    (name) => join(root, name),
  ) as [string, string, string, string]
  await Promise.all([stateDir, workspace, cache, readOnly].map((path) => mkdir(path)))
  const executor = makeExecutor(stateDir)
  await executor.open()
  let serial = 0
  const descriptors: number[] = []

  const spec = (argv: readonly string[], over: SpecChanges = {}): ExecutionSpec => ({
    id: `step-${++serial}`,
    workspace,
    cwd: '.',
    cache: null,
    readOnly: [],
    env: {},
    network: 'none',
    image,
    ...over,
    argv: argv as [string, ...string[]],
    limits: { ...roomy, ...over.limits },
  })
  const start = async (argv: readonly string[], over?: SpecChanges): Promise<Started> => {
    let output = ''
    let ended = false
    const waiting = new Set<() => void>()
    const look = (): void => waiting.forEach((check) => check())
    const execution = await executor.start(spec(argv, over), {
      write(chunk) {
        output += chunk.toString('utf8')
        look()
      },
    })
    void execution.done.then(() => {
      ended = true
      look()
    })
    return {
      ...execution,
      output: () => output,
      said: (text) =>
        new Promise((resolve, reject) => {
          const check = (): void => {
            if (output.includes(text)) resolve()
            else if (ended) reject(new Error(`ended without saying ${text}: ${output}`))
            else return
            waiting.delete(check)
          }
          waiting.add(check)
          check()
        }),
    }
  }
  return {
    executor,
    stateDir,
    workspace,
    cache,
    readOnly,
    spec,
    start,
    async sh(script, over) {
      const started = await start(['sh', '-c', script], over)
      return { ...(await started.done), output: started.output() }
    },
    async witness() {
      const name = `witness-${++serial}`
      const path = join(workspace, name)
      await promisify(execFile)('mkfifo', [path])
      const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      descriptors.push(descriptor)
      return {
        hold: `exec 9>'${path}';`,
        held() {
          try {
            // The end of the file is read at once when nobody has it open for writing.
            return readSync(descriptor, Buffer.alloc(1)) > 0
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return true
            throw error
          }
        },
      }
    },
    async close() {
      await executor.close()
      for (const descriptor of descriptors) closeSync(descriptor)
      await rm(root, { recursive: true, force: true })
    },
  }
}
