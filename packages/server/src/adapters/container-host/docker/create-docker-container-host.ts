import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../../errors.ts'
import {
  checkEngine,
  closeWhenTaken,
  connectDocker,
  createImagePuller,
  type DockerOptions,
  DockerRefusal,
  encodeLateEnvironment,
  explainRefusal,
  hasEnded,
  incompleteCode,
  inspectContainer,
  type InspectedContainer,
  isMissing,
  kill,
  removeContainer,
  timeOf,
  waitForEnd,
} from '../../../docker/index.ts'
import type { ContainerExit, ContainerHost, FoundContainer } from '../../../ports/container-host.ts'
import { createContainer } from './create-container.ts'
import { removeOrphans } from './remove-orphans.ts'
import { followLogs } from './follow-logs.ts'
import { runExec } from './run-exec.ts'

export interface DockerContainerHostOptions extends DockerOptions {
  /** Whether images that the engine does not have are pulled, and within how many milliseconds. */
  pull: { policy: 'missing' | 'never'; timeoutMs: number }
  /** Bytes of output that the engine keeps of each container, twice. */
  logBytes: number
}

const mostContainers = 10_000
/** Containers that are looked at together. */
const parallel = 16
/** Milliseconds for ending and removing one; an image of many files takes its time. */
const removeMs = 120_000
const answerMs = 120_000

/** Containers by a Docker engine. */
export function createDockerContainerHost(options: DockerContainerHostOptions): ContainerHost {
  const docker = connectDocker(options)
  const closing = new AbortController()
  const until = (signal: AbortSignal) => AbortSignal.any([signal, closing.signal])
  const within = (ms: number) => until(AbortSignal.timeout(ms))
  const images = createImagePuller(docker, options.pull)
  const creating = {
    docker,
    images,
    socketPath: options.host.kind === 'unix' ? options.host.socketPath : null,
    logBytes: options.logBytes,
    disk: { canLimit: true },
    shells: new Set<string>(),
  }
  const pathOf = (id: string) => `/containers/${encodeURIComponent(id)}`
  /** Turns refusals of the engine into those of the port. */
  const told = async <T>(what: string, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw explainRefusal(error, what)
    }
  }

  const start = async (id: string, encoded: string, signal: AbortSignal): Promise<void> => {
    const attached = await docker.upgrade(
      {
        method: 'POST',
        path: `${pathOf(id)}/attach`,
        query: { stream: '1', stdin: '1' },
        protocol: 'tcp',
        answerMs,
      },
      signal,
    )
    attached.on('error', () => {})
    try {
      await docker.json({ method: 'POST', path: `${pathOf(id)}/start`, answerMs }, signal)
    } catch (error) {
      attached.destroy()
      throw explainStart(error)
    }
    attached.end(encoded)
    closeWhenTaken(attached)
  }

  const find = async (idOrName: string, signal: AbortSignal): Promise<FoundContainer | null> => {
    try {
      return toFound(await inspectContainer(docker, idOrName, until(signal)))
    } catch (error) {
      if (isMissing(error)) return null
      throw explainRefusal(error, 'The container cannot be looked at')
    }
  }

  return {
    name: 'docker',
    find,

    create: (spec, signal) => createContainer(creating, spec, until(signal)),

    pullAs: (image, login, signal) => images.pullAs(image, login, until(signal)),

    async readImage(image, signal) {
      const config = await told(
        'The image cannot be looked at',
        images.readConfig(image, until(signal)),
      )
      return { entrypoint: config.Entrypoint ?? [], command: config.Cmd ?? [] }
    },

    rename: (id, name, signal) =>
      told(
        'The container cannot be renamed',
        docker.json(
          { method: 'POST', path: `${pathOf(id)}/rename`, query: { name } },
          until(signal),
        ),
      ),

    async start(id, late, signal) {
      const encoded = encodeLateEnvironment(late.env)
      await told('The container cannot be started', start(id, encoded, until(signal)))
    },

    async list(labels, signal) {
      const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
      const query = {
        all: '1',
        limit: String(mostContainers),
        filters: JSON.stringify({ label }),
      }
      const rows = await told(
        'Containers cannot be listed',
        docker.json<{ Id: string }[]>(
          { method: 'GET', path: '/containers/json', query, answerMs },
          until(signal),
        ),
      )
      const found: FoundContainer[] = []
      for (let at = 0; at < rows.length; at += parallel) {
        const some = rows.slice(at, at + parallel)
        const all = await Promise.all(some.map(({ Id }) => find(Id, signal)))
        found.push(...all.filter((each) => each !== null))
      }
      return found
    },

    follow: (id, since, sink, signal) =>
      told(
        'The output cannot be read',
        followLogs(docker, { id, since, sink, fileBytes: options.logBytes }, until(signal)),
      ),

    async wait(id, signal) {
      const ended = await told(
        'The end cannot be waited for',
        waitForEnd(docker, id, until(signal)),
      )
      return toExit(ended.container, ended.interrupted)
    },

    exec: (id, command, sink, signal) =>
      told('The command cannot be run', runExec(docker, { id, command, sink }, until(signal))),

    pause: (id, signal) =>
      told(
        'The container cannot be paused',
        docker.json({ method: 'POST', path: `${pathOf(id)}/pause`, answerMs }, until(signal)),
      ),

    async resume(id) {
      const path = `${pathOf(id)}/unpause`
      try {
        await docker.json({ method: 'POST', path, answerMs }, within(removeMs))
      } catch (error) {
        const wasNotPaused =
          error instanceof DockerRefusal && /is not (paused|running)/i.test(error.message)
        if (!wasNotPaused && !isMissing(error)) {
          throw explainRefusal(error, 'The container cannot be resumed')
        }
      }
    },

    async measure(id, signal) {
      const what = 'The container cannot be measured'
      return (await told(what, inspectContainer(docker, id, until(signal), true))).SizeRw ?? 0
    },

    async stop(id, graceMs) {
      const limit = within(removeMs + graceMs)
      const stop = async () => {
        if (!(await kill(docker, id, 'TERM', limit))) return
        const ended = new AbortController()
        const signal = AbortSignal.any([limit, ended.signal])
        const waiting = waitForEnd(docker, id, signal)
        try {
          const late = await Promise.race([waiting, sleep(graceMs, 'late', { signal })])
          if (late === 'late') await kill(docker, id, 'KILL', limit)
        } finally {
          ended.abort()
          waiting.catch(() => {})
        }
      }
      await told('The container cannot be stopped', stop())
    },

    remove: (id) =>
      told('The container cannot be removed', removeContainer(docker, id, within(removeMs))),

    removeOrphans: (labels, signal) =>
      told('Networks cannot be looked at', removeOrphans(docker, labels, until(signal))),

    check: () => checkEngine(docker, closing.signal),
    close: async () => closing.abort(new AppError('unavailable', 'The server stops')),
  }
}

function toFound(container: InspectedContainer): FoundContainer {
  const { State, Config, HostConfig } = container
  const isOver = hasEnded(container)
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    labels: Config.Labels ?? {},
    state: isOver ? 'ended' : State.Status === 'created' ? 'created' : 'running',
    exit: isOver ? toExit(container, false) : null,
    createdAt: new Date(container.Created),
    startedAt: timeOf(State.StartedAt),
    network: HostConfig.NetworkMode,
    health: healthOf(State.Health?.Status),
  }
}

function healthOf(status: string | undefined): FoundContainer['health'] {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : null
}

function toExit({ State }: InspectedContainer, interrupted: boolean): ContainerExit {
  return {
    exitCode: State.ExitCode,
    outOfMemory: State.OOMKilled,
    interrupted,
    mayNotHaveRun: State.ExitCode === incompleteCode,
    reason: null,
    endedAt: timeOf(State.FinishedAt) ?? new Date(),
  }
}

/** What the engine says of a container that did not start is about its shell, mounts or network. */
function explainStart(error: unknown): unknown {
  if (!(error instanceof DockerRefusal)) return error
  if (error.status === 304) {
    return new AppError('resource_conflict', 'The container was started before')
  }
  const isForGood = /OCI runtime|invalid mount|not a directory|permission denied/i
  return isForGood.test(error.message)
    ? new AppError('invalid_request', `The container cannot be started: ${error.message}`)
    : error
}
