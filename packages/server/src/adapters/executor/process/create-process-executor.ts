import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, realpath, rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import type { Execution, ExecutionSpec, Executor } from '../../../ports/executor.ts'
import { openCgroups } from './cgroups.ts'
import { chooseIsolation } from './choose-isolation.ts'
import { endLeftovers } from './end-leftovers.ts'
import { findTool } from './find-tool.ts'
import type { Isolation, IsolationMode } from './isolation.ts'
import { listLeakedDescriptors } from './leaked-descriptors.ts'
import { openOutputPipes } from './output-pipes.ts'
import { openRecords, readBoot } from './records.ts'
import { describeLimits } from './rlimits.ts'
import { describeView } from './sandbox-view.ts'
import { type ExecutorHost, markerName, startExecution } from './start-execution.ts'

export interface ProcessExecutorOptions {
  /** Absolute directory of the executor's own, made if absent; one live executor at a time. */
  stateDir: string
  /**
   * Absolute paths of the host that no command may see, wherever they lie: the data directory,
   * settings, keys. What is outside of the system's own directories is not visible anyway.
   */
  hide?: readonly string[]
  /** Run commands as the server itself where nothing isolates. Source: SLIPWAY_ALLOW_UNISOLATED. */
  allowUnisolated: boolean
  log: Logger
  /** Only this isolation; default: the strictest that works. */
  mode?: IsolationMode
  /** Limit by control groups where they are writable; default true. */
  cgroups?: boolean
}

interface Opened {
  host: ExecutorHost
  isolation: Isolation | null
  /** Why there is no isolation, for whoever wants to start something. */
  refusal: string
  release(): Promise<void>
}

/** Commands as processes of this machine, isolated by bubblewrap, else by util-linux. */
export function createProcessExecutor(options: ProcessExecutorOptions): Executor {
  const { log } = options
  const live = new Map<string, Execution | null>()
  const background = new Set<Promise<void>>()
  let opened: Opened | null = null
  let description = 'not open'
  let serial = 0

  const inBackground = (what: string, work: Promise<unknown>): void => {
    const settled = work.then(
      () => {},
      (error: unknown) => log.warn({ err: error }, `could not remove ${what}`),
    )
    background.add(settled)
    void settled.then(() => background.delete(settled))
  }
  const nextName = (id: string): string => `${id}.${++serial}`

  return {
    name: 'process',
    get isolation() {
      return description
    },
    async open() {
      if (opened) throw new Error('The executor is open already')
      opened = await openHost(options, inBackground, nextName)
      description = `${opened.isolation?.description ?? 'none'}; ${opened.host.limits}`
      if (opened.isolation?.contained) log.info({ isolation: description }, 'executor is open')
      else log.warn({ isolation: description, reason: opened.refusal }, 'steps are not isolated')
    },
    async check() {
      usable(opened)
    },
    async start(spec, sink) {
      const { host, isolation } = usable(opened)
      if (live.has(spec.id)) {
        throw new AppError('resource_conflict', `An execution ${spec.id} is running already`)
      }
      live.set(spec.id, null)
      try {
        const execution = await startExecution(host, isolation, nextName(spec.id), spec, sink)
        live.set(spec.id, execution)
        void execution.done.then(() => live.delete(spec.id))
        if (!opened) execution.stop(0)
        return execution
      } catch (error) {
        live.delete(spec.id)
        throw error
      }
    },
    async close() {
      const closing = opened
      opened = null
      if (!closing) return
      while (live.size > 0) {
        const all = [...live.values()].filter((execution) => execution !== null)
        for (const execution of all) execution.stop()
        // One that is just starting shows up in the next round.
        await (all.length > 0 ? Promise.all(all.map(({ done }) => done)) : nextTurn())
      }
      while (background.size > 0) await Promise.all(background)
      await closing.release()
    },
  }
}

/** Throws what to do about it when nothing can be started. */
function usable(opened: Opened | null): { host: ExecutorHost; isolation: Isolation } {
  if (!opened) throw new AppError('unavailable', 'The executor is not open')
  const { host, isolation, refusal } = opened
  if (!isolation) throw new AppError('unavailable', refusal)
  return { host, isolation }
}

async function openHost(
  options: ProcessExecutorOptions,
  inBackground: ExecutorHost['inBackground'],
  nextName: (id: string) => string,
): Promise<Opened> {
  const { log } = options
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 })
  const stateDir = await realpath(options.stateDir)
  const markerPrefix = createHash('sha256').update(stateDir).digest('hex').slice(0, 16)
  const [records, boot] = await Promise.all([openRecords(stateDir), readBoot()])
  await endLeftovers({ records, log, boot }, `${markerName}=${markerPrefix}/`)

  let cgroupRefusal: string | null = null
  const [cgroups, prlimit, mkfifo, view, leaked] = await Promise.all([
    options.cgroups === false
      ? null
      : openCgroups(`slipway-${markerPrefix}`, (reason) => {
          cgroupRefusal = reason
        }),
    findTool('prlimit'),
    findTool('mkfifo'),
    describeView({ stateDir, hide: [...new Set([stateDir, ...(options.hide ?? [])])] }),
    listLeakedDescriptors(),
    rm(`${stateDir}/scratch`, { recursive: true, force: true }),
  ])
  await records.setGroups(cgroups?.bases ?? [])
  if (mkfifo === null) throw new AppError('unavailable', 'mkfifo (coreutils) is not installed')
  const pipes = await openOutputPipes(mkfifo, `${stateDir}/pipes`)
  const nothing = await open('/dev/null', 'r+')
  const host: ExecutorHost = {
    log,
    stateDir,
    view,
    cgroups,
    prlimit,
    pipes,
    records,
    boot,
    markerPrefix,
    cover: { descriptor: nothing.fd, leaked },
    limits: describeLimits(cgroups, prlimit, cgroupRefusal),
    inBackground,
  }
  const release = async (): Promise<void> => {
    await Promise.all([pipes.close(), nothing.close(), cgroups?.close()])
  }
  try {
    const workspace = `${stateDir}/probe`
    await mkdir(workspace, { recursive: true, mode: 0o700 })
    await access(workspace, constants.W_OK)
    const chosen = await chooseIsolation(
      {
        view,
        directory: `${stateDir}/unshare`,
        allowUnisolated: options.allowUnisolated,
        attempt: (isolation) => attempt(host, isolation, nextName('probe'), workspace),
      },
      options.mode ?? null,
    )
    if ('isolation' in chosen) return { host, isolation: chosen.isolation, refusal: '', release }
    const refusal = `Steps cannot be isolated on this machine (${chosen.refusals.join('; ')}). Install bubblewrap and allow user namespaces, or set SLIPWAY_ALLOW_UNISOLATED=true to run steps as the server's own user.`
    return { host, isolation: null, refusal, release }
  } catch (error) {
    await release()
    throw error
  }
}

/** Runs a command that does nothing, the whole way. */
async function attempt(
  host: ExecutorHost,
  isolation: Isolation,
  name: string,
  workspace: string,
): Promise<string | null> {
  let output = ''
  const spec: ExecutionSpec = {
    id: 'probe',
    argv: ['/bin/sh', '-c', 'exit 0'],
    workspace,
    cwd: '.',
    cache: null,
    readOnly: [],
    env: {},
    network: 'none',
    image: null,
    limits: {
      timeoutMs: 10_000,
      outputBytes: 4_096,
      memoryBytes: null,
      pids: null,
      cpus: null,
    },
  }
  const sink = { write: (chunk: Buffer) => void (output += chunk.toString('utf8')) }
  const execution = await startExecution(host, isolation, name, spec, sink)
  const { outcome, exitCode, reason } = await execution.done
  if (outcome === 'exited' && exitCode === 0) return null
  return reason ?? (output.trim() || `exit ${exitCode}`)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
