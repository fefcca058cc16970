import { constants } from 'node:os'
import type { Logger } from 'pino'
import type { Execution, ExecutionResult, OutputSink } from '../../../ports/executor.ts'
import type { Cgroup } from './cgroups.ts'
import type { CheckedSpec } from '../check-spec.ts'
import type { Isolation, Launch, LaunchStatus, Marker } from './isolation.ts'
import type { OutputPipe } from './output-pipes.ts'
import { killAll, killTimeoutMs, listRest, listTree, type ProcessTree } from './process-tree.ts'
import { signal } from './procfs.ts'
import { pumpOutput } from './pump-output.ts'
import { type DescriptorCover, spawnLauncher } from './spawn-launcher.ts'
import { joinScript } from './unshare-scripts.ts'
import { waitUntil } from './wait-until.ts'

export interface RunDeps {
  isolation: Isolation
  log: Logger
  cover: DescriptorCover
}

export interface RunRequest {
  spec: CheckedSpec
  argv: readonly string[]
  env: Readonly<Record<string, string>>
  marker: Marker
  group: Cgroup | null
  pipe: OutputPipe
  sink: OutputSink
  /** Told who has to be ended if this server dies now; awaited before the command may run. */
  remember(tree: ProcessTree): Promise<void>
}

type Cause = 'stopped' | 'timed_out' | 'output_limit' | 'failed'

const defaultGraceMs = 5_000
/** Nobody hears what a command says once it has said too much: it gets less time to end. */
const outputGraceMs = 1_000
/** The longest that a timer of node can wait, 24.8 days. */
const longestTimerMs = 2_147_483_647
/** What a launcher may say about itself. */
const statusBytes = 8_192
/** Without a namespace, how long an escaped process may hold the output in silence after the tree's end. */
const escapeMs = 1_000

/** Spawns the launcher. Throws, with nothing started, when the system refuses that. */
export async function runExecution(deps: RunDeps, request: RunRequest): Promise<Execution> {
  const { isolation, log } = deps
  const { spec, marker, group } = request
  const { limits } = spec
  const launch = inGroup(
    group,
    isolation.launch({ spec, argv: request.argv, env: request.env, marker }),
  )
  const { child, pid, channel } = await spawnLauncher(deps.cover, launch, request.pipe)
  const tree: ProcessTree = {
    leader: pid,
    leaderStart: null,
    init: null,
    contained: isolation.contained,
    group,
    marker,
    seen: new Map(),
  }

  let cause: Cause | null = null
  let reason: string | null = null
  let admitted = channel === null
  let ended = false
  let killing = false
  let graceEnd = Number.POSITIVE_INFINITY
  const timers = new Set<NodeJS.Timeout>()
  const after = (ms: number, run: () => void): void => {
    timers.add(setTimeout(run, Math.min(Math.max(ms, 0), longestTimerMs)))
  }

  const kill = (): void => {
    if (ended || killing) return
    killing = true
    // The leader goes first, and has nothing to say about the death of the others. It may not even have
    // joined its group yet, where it would be found.
    signal(tree.leader, 'SIGKILL')
    if (tree.contained) {
      if (tree.init !== null) signal(tree.init, 'SIGKILL')
    } else {
      killAll(() => listRest(tree)).catch((error: unknown) => {
        log.error({ err: error, execution: spec.id }, 'an execution could not be killed')
      })
    }
    after(killTimeoutMs, () => log.error({ execution: spec.id }, 'a killed execution does not end'))
  }
  const terminate = async (): Promise<void> => {
    // Between its admission and its first fork there is nobody to tell yet.
    await waitUntil(async () => {
      if (ended || killing) return true
      const pids = await listTree(tree)
      for (const pid of pids) signal(pid, 'SIGTERM')
      return pids.length > 0
    }, defaultGraceMs)
  }
  const end = (why: Cause, sentence: string, graceMs: number): void => {
    // Output that nobody could take is told even when it is found after the command's end.
    if (ended && why !== 'output_limit' && why !== 'failed') return
    if (cause === null) {
      cause = why
      reason = sentence
      if (admitted && !ended) {
        terminate().catch((error: unknown) => {
          log.warn({ err: error, execution: spec.id }, 'an execution could not be asked to end')
          kill()
        })
      }
    }
    if (ended) return
    if (!admitted) {
      kill()
      return
    }
    const at = performance.now() + graceMs
    if (at < graceEnd) {
      graceEnd = at
      after(graceMs, kill)
    }
  }

  const pump = pumpOutput(request.pipe.reader, request.sink, {
    limit: limits.outputBytes,
    onLimit: () =>
      end('output_limit', `Printed more than ${limits.outputBytes} bytes.`, outputGraceMs),
    onSinkError: (error) => {
      log.error({ err: error, execution: spec.id }, 'the output of an execution could not be kept')
      end('failed', 'The output could not be kept.', outputGraceMs)
    },
  })
  after(limits.timeoutMs, () =>
    end('timed_out', `Took longer than ${limits.timeoutMs / 1000} s.`, defaultGraceMs),
  )

  let statusClosed: Promise<unknown> = Promise.resolve()
  let status: LaunchStatus = { init: null, started: channel === null }
  const admit = async (): Promise<void> => {
    await request.remember(tree)
    if (killing) return
    admitted = true
    channel?.gate.end('\n')
  }
  if (channel !== null) {
    let text = ''
    const stream = channel.status
    statusClosed = new Promise((resolve) => stream.once('close', resolve))
    stream.on('data', (chunk: Buffer) => {
      if (text.length < statusBytes) text += chunk.toString('latin1')
      status = isolation.readStatus(text)
      if (tree.init !== null || status.init === null) return
      tree.init = status.init
      if (killing) signal(tree.init, 'SIGKILL')
      admit().catch((error: unknown) => {
        // Gone before it was admitted, or on our way to end it: its exit tells why.
        if (killing) return
        if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return
        log.error({ err: error, execution: spec.id }, 'an execution could not be confined')
        end('failed', 'The limits could not be set.', 0)
      })
    })
  } else {
    request.remember(tree).catch((error: unknown) => {
      log.error({ err: error, execution: spec.id }, 'an execution could not be remembered')
      end('failed', 'The execution could not be recorded.', 0)
    })
  }

  const endRest = async (): Promise<void> => {
    if (tree.init !== null) signal(tree.init, 'SIGKILL')
    if (await killAll(() => listRest(tree))) return
    log.error({ execution: spec.id }, 'processes of an execution do not end')
  }
  const finish = async (
    code: number | null,
    by: NodeJS.Signals | null,
  ): Promise<ExecutionResult> => {
    // A launcher that ended by itself has seen its namespace die; one that was killed has not.
    if (!tree.contained || by !== null) await endRest()
    ended = true
    await statusClosed
    if (!tree.contained) pump.abandonWhenQuiet(escapeMs)
    const complete = await pump.ended
    for (const timer of timers) clearTimeout(timer)
    if (complete) request.pipe.recycle()
    else request.pipe.discard()

    const exitCode = code ?? 128 + (by === null ? 0 : constants.signals[by])
    if (cause !== null) return { outcome: cause, exitCode, reason }
    if (!status.started) {
      const failure = isolation.readFailure(pump.head())
      if (failure.kind === 'no-command') {
        return { outcome: 'exited', exitCode: failure.exitCode, reason: null }
      }
      const sentence = `The sandbox could not be set up: ${failure.reason || `exit ${exitCode}`}`
      return { outcome: 'failed', exitCode: null, reason: sentence }
    }
    if (exitCode !== 0 && limits.memoryBytes !== null && (await group?.oomKills().catch(() => 0))) {
      const mebibytes = Math.round(limits.memoryBytes / 1024 / 1024)
      return { outcome: 'out_of_memory', exitCode, reason: `Needed more than ${mebibytes} MiB.` }
    }
    const name = signalOf(exitCode)
    if (name === null) return { outcome: 'exited', exitCode, reason: null }
    return { outcome: 'signalled', exitCode, reason: `Ended by ${name}.` }
  }
  const done = new Promise<ExecutionResult>((resolve) => {
    child.once('exit', (code, by) => {
      finish(code, by).then(resolve, (error: unknown) => {
        for (const timer of timers) clearTimeout(timer)
        log.error({ err: error, execution: spec.id }, 'the end of an execution could not be told')
        resolve({ outcome: 'failed', exitCode: code, reason: 'The executor failed.' })
      })
    })
  })
  return {
    id: spec.id,
    done,
    stop: (graceMs = defaultGraceMs) => end('stopped', 'Stopped on request.', graceMs),
  }
}

/** The signal that an exit code of 128 + n speaks of, as shells say it; null for any other code. */
function signalOf(exitCode: number): string | null {
  const number = exitCode - 128
  if (number < 1 || number > 64) return null
  const found = Object.entries(constants.signals).find(([, value]) => value === number)
  return found?.[0] ?? null
}

/** The launcher joins the control group before it does anything else. */
function inGroup(group: Cgroup | null, launch: Launch): Launch {
  if (group === null) return launch
  const args = ['-c', joinScript, 'sh', ...group.joinFiles, '--', launch.file, ...launch.args]
  return { ...launch, file: '/bin/sh', args }
}
