import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Docker,
  DockerRefusal,
  kill,
  postJson,
  readFrames,
  removeContainer,
  waitForEnd,
} from '../../../../packages/server/src/docker/index.ts'
import type { ClusterObject } from '../cluster-object.ts'
import { type ContainerLog, createContainerLog } from './container-log.ts'
import { describeContainer } from './describe-container.ts'
import { makeVolumes, NotReady, removeVolumes } from './make-volumes.ts'
import type { PodSpec } from './pod-spec.ts'

export interface Terminated {
  exitCode: number
  reason: string
  startedAt: string
  finishedAt: string
}

/** A pod's one container, on this node. */
export interface RunningPod {
  readonly log: ContainerLog
  readonly startedAt: string
  readonly ended: Promise<Terminated>
  /** Its preStop hook and SIGTERM, then SIGKILL; a shorter grace replaces a longer one. */
  end(graceSeconds: number): void
  /** Kills it at once, as a node does that needs room. */
  kill(): void
  /** Once it has ended. */
  remove(): Promise<void>
}

/** Starts the container of a pod; `NotReady` says why it cannot. */
export async function runPod(
  docker: Docker,
  pod: ClusterObject,
  given: {
    claims: ReadonlyMap<string, string>
    network: string
    secret(name: string): ClusterObject | null
  },
): Promise<RunningPod> {
  const spec = pod.spec as unknown as PodSpec
  const [container] = spec.containers
  if (container === undefined) throw new Error('a pod without a container')
  const stopping = new AbortController()
  const { signal } = stopping
  const folder = await mkdtemp(join(tmpdir(), 'slipway-pod-'))
  let id = ''
  try {
    const mounts = await makeVolumes(spec, container, { ...given, folder })
    const body = describeContainer(pod, spec, container, { ...given, mounts })
    id = (await postJson<{ Id: string }>(docker, '/containers/create', body, signal)).Id
    const attached = await docker.upgrade(
      {
        method: 'POST',
        path: `/containers/${id}/attach`,
        query: { stream: '1', stdout: '1', stderr: '1' },
        protocol: 'tcp',
      },
      signal,
    )
    attached.on('error', () => {})
    const log = createContainerLog()
    const written = (async () => {
      for await (const frames of readFrames(attached)) for (const frame of frames) log.append(frame)
    })().catch(() => {})
    try {
      const path = `/containers/${id}/start`
      await docker.json({ method: 'POST', path, answerMs: 60_000 }, signal)
    } catch (error) {
      attached.destroy()
      if (!(error instanceof DockerRefusal)) throw error
      throw new NotReady('StartError', error.message)
    }
    const startedAt = new Date().toISOString()
    let deadline = Infinity
    let timer: NodeJS.Timeout | undefined
    const killNow = () => void kill(docker, id, 'KILL', signal).catch(() => {})
    const ended = waitForEnd(docker, id, signal).then(async ({ container: end }) => {
      clearTimeout(timer)
      await written
      log.end()
      const { ExitCode: exitCode, OOMKilled, FinishedAt } = end.State
      const reason =
        OOMKilled && exitCode !== 0 ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error'
      return { exitCode, reason, startedAt, finishedAt: FinishedAt }
    })
    return {
      log,
      startedAt,
      ended,
      kill: killNow,
      end(graceSeconds) {
        if (deadline === Infinity) void tell(docker, id, container.lifecycle, signal)
        const at = performance.now() + graceSeconds * 1_000
        if (at >= deadline) return
        deadline = at
        clearTimeout(timer)
        timer = setTimeout(killNow, graceSeconds * 1_000)
      },
      async remove() {
        clearTimeout(timer)
        attached.destroy()
        await removeContainer(docker, id, signal)
        await removeVolumes(folder)
      },
    }
  } catch (error) {
    if (id !== '') await removeContainer(docker, id, signal)
    await removeVolumes(folder)
    if (!(error instanceof DockerRefusal)) throw error
    if (error.status !== 404) throw new NotReady('CreateContainerError', error.message)
    const isNever = container.imagePullPolicy === 'Never'
    throw new NotReady(
      isNever ? 'ErrImageNeverPull' : 'ErrImagePull',
      isNever
        ? `Container image "${container.image}" is not present with pull policy of Never`
        : `failed to resolve reference "${container.image}": not found`,
    )
  }
}

async function tell(
  docker: Docker,
  id: string,
  lifecycle: { preStop?: { exec?: { command: string[] } } } | undefined,
  signal: AbortSignal,
): Promise<void> {
  const Cmd = lifecycle?.preStop?.exec?.command
  try {
    if (Cmd !== undefined) {
      const made = await postJson<{ Id: string }>(docker, `/containers/${id}/exec`, { Cmd }, signal)
      await postJson(docker, `/exec/${made.Id}/start`, { Detach: true, Tty: false }, signal)
    }
    await kill(docker, id, 'TERM', signal)
  } catch {
    // It has ended meanwhile.
  }
}
