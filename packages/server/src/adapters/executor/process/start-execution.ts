import { mkdir, rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import type { Execution, ExecutionSpec, OutputSink } from '../../../ports/executor.ts'
import type { CgroupHost } from './cgroups.ts'
import { checkSpec } from '../check-spec.ts'
import { commandEnvironment } from './command-environment.ts'
import type { Isolation } from './isolation.ts'
import { closeDescriptor, type OutputPipe, type OutputPipes } from './output-pipes.ts'
import { recordOf, type Records } from './records.ts'
import { rlimitPrefix } from './rlimits.ts'
import { runExecution } from './run-execution.ts'
import { insideUser, type SandboxView } from './sandbox-view.ts'

/** What an open executor has, and every execution shares. */
export interface ExecutorHost {
  log: Logger
  stateDir: string
  view: SandboxView
  cgroups: CgroupHost | null
  prlimit: string | null
  pipes: OutputPipes
  records: Records
  boot: string
  /** Begins the markers of this directory's executions. */
  markerPrefix: string
  /** In words: what limits an execution. */
  limits: string
  cover: { descriptor: number; leaked: readonly number[] }
  /** Takes work that nobody waits for, except `close`. */
  inBackground(what: string, work: Promise<unknown>): void
}

export const markerName = 'SLIPWAY_EXECUTION'

/**
 * Starts one execution.
 *
 * @param name unique among all that this executor ever starts; names its group, record and files
 */
export async function startExecution(
  host: ExecutorHost,
  isolation: Isolation,
  name: string,
  spec: ExecutionSpec,
  sink: OutputSink,
): Promise<Execution> {
  const { cgroups, records, log } = host
  if (spec.image !== null) {
    throw new AppError(
      'invalid_request',
      'The process executor has no container images; use an executor that has containers',
    )
  }
  const grouped = cgroups?.controllers ?? new Set()
  const { pids } = spec.limits
  const groupLimits = { ...spec.limits, pids: pids === null ? null : pids + isolation.overhead }
  const scratch = isolation.contained ? null : `${host.stateDir}/scratch/${name}`

  // All at once: each costs some turns of the thread pool, and a refusal is rare.
  const [checked, group, pipe, scratched] = await Promise.allSettled([
    checkSpec(spec, host.stateDir),
    cgroups?.create(name, groupLimits) ?? null,
    host.pipes.take(),
    scratch === null ? null : makeScratch(scratch),
  ])
  const giveBack = (): void => {
    if (group.status === 'fulfilled' && group.value) {
      host.inBackground('a control group', group.value.remove())
    }
    if (scratch !== null) {
      host.inBackground('a scratch directory', rm(scratch, { recursive: true, force: true }))
    }
    if (!cgroups) host.inBackground('a record', records.remove(name))
  }
  const refuse = (error: unknown): never => {
    giveBack()
    if (pipe.status === 'fulfilled') host.inBackground('a pipe', closePipe(pipe.value))
    if (error instanceof AppError) throw error
    log.error({ err: error, execution: spec.id }, 'an execution could not be prepared')
    throw new AppError('unavailable', 'The execution could not be prepared; the log says why')
  }
  if (checked.status === 'rejected') return refuse(checked.reason)
  if (group.status === 'rejected') return refuse(group.reason)
  if (pipe.status === 'rejected') return refuse(pipe.reason)
  if (scratched.status === 'rejected') return refuse(scratched.reason)

  try {
    const execution = await runExecution(
      { isolation, log, cover: host.cover },
      {
        spec: checked.value,
        argv: [...rlimitPrefix(host.prlimit, spec.limits, grouped), ...spec.argv],
        env: commandEnvironment(spec, {
          path: host.view.path,
          home: scratch === null ? insideUser.home : `${scratch}/home`,
          temporary: scratch === null ? '/tmp' : `${scratch}/tmp`,
        }),
        marker: { name: markerName, value: `${host.markerPrefix}/${name}` },
        group: group.value,
        pipe: pipe.value,
        sink,
        async remember(tree) {
          // A group finds all of its processes by itself.
          if (group.value) return
          const record = await recordOf(tree.init ?? tree.leader, host.boot, !tree.contained)
          if (!record) return
          if (!tree.contained) tree.leaderStart = record.startTime
          await records.add(name, record)
        },
      },
    )
    void execution.done.then(giveBack)
    return execution
  } catch (error) {
    return refuse(error)
  }
}

async function makeScratch(directory: string): Promise<void> {
  await Promise.all(
    ['home', 'tmp'].map((name) => mkdir(`${directory}/${name}`, { recursive: true, mode: 0o700 })),
  )
}

async function closePipe(pipe: OutputPipe): Promise<void> {
  await Promise.all([closeDescriptor(pipe.reader), closeDescriptor(pipe.writer)])
  pipe.recycle()
}
