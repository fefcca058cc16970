// What a runner is configured with never reaches its log, whoever writes the log and however it is printed.
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDockerContainerHost } from '../../packages/server/src/adapters/container-host/docker/create-docker-container-host.ts'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createFileLogStore } from '../../packages/server/src/logs/index.ts'
import type { ContainerHost } from '../../packages/server/src/ports/container-host.ts'
import { JobAborted } from '../../packages/server/src/ports/job-bus.ts'
import type {
  DelegationControl,
  DelegationResult,
} from '../../packages/server/src/runners/index.ts'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import {
  createWarmPool,
  type DelegationWorkDeps,
  openDelegationSecrets,
} from '../../packages/server/src/worker/index.ts'
import { runDelegation } from '../../packages/server/src/worker/run-delegation.ts'
import { busyboxFiles, type Dockerd, startDockerd } from '../support/dockerd.ts'

// Twenty containers at once take their time where others work, too.
vi.setConfig({ testTimeout: 120_000 })

const log = pino({ level: 'silent' })
const secret = `jit-${randomBytes(24).toString('hex')}`
const owner = 'of-the-test'

let dockerd: Dockerd
let host: ContainerHost
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-secrets-'))
  dockerd = await startDockerd()
  await dockerd.importImage('shell:1', await busyboxFiles())
  host = createDockerContainerHost({
    host: { kind: 'unix', socketPath: dockerd.socketPath },
    pull: { policy: 'never', timeoutMs: 1_000 },
    logBytes: 64 << 20,
  })
})
afterAll(async () => {
  await host?.close()
  await dockerd?.close()
  await rm(folder, { recursive: true, force: true })
})

/** One delegation of `script`, and a worker for each attempt at it. */
function delegate(script: string) {
  const id = randomUUID()
  const logKey = `delegations/${id}/logs/job.log`
  const directory = join(folder, id)
  let number = 0
  let hasStarted = false
  let result: DelegationResult | null = null
  const delegations: DelegationControl = {
    async beginDelegation() {
      number++
      return {
        delegationId: id,
        number,
        repository: 'owner/repo',
        logKey,
        className: 'shell',
        containerId: null,
        hasStarted,
        spec: {
          image: 'shell:1',
          command: ['sh', '-c', script],
          env: {},
          labels: { 'io.slipway.owner': owner, 'io.slipway.delegation': id },
          workdir: null,
          user: null,
          mounts: [],
          network: 'none',
          idle: false,
          limits: { memoryBytes: null, cpus: null, pids: null, diskBytes: null },
        },
        timeoutMs: 60_000,
      }
    },
    openRunnerConfiguration: async () => ({ env: { JIT: secret }, secrets: [secret] }),
    async reportDelegationNotStarted() {},
    async reportDelegationRunning() {
      hasStarted = true
    },
    async completeDelegation(input) {
      result = input.result
    },
    findUnfinished: async (ids) => (result === null ? ids : []),
  }
  const key = randomBytes(32)
  /** A worker of a process of its own, on the same data directory. */
  const work = async (signal: AbortSignal) => {
    const objects = createFilesystemObjectStore({ root: join(directory, 'objects'), log })
    const logs = createFileLogStore({ directory: join(directory, 'logs'), objects, log })
    const deps: DelegationWorkDeps = {
      delegations,
      host,
      pool: createWarmPool({ host, log, owner }, []),
      secrets: openDelegationSecrets(openVault([key]), join(directory, 'delegations')),
      logs,
      log,
      workerId: randomUUID(),
      owner,
      outputBytes: 64 << 20,
      inHand: new Set(),
    }
    const job = {
      id: randomUUID(),
      type: 'delegation',
      subject: `runners.${id}`,
      runId: null,
      payload: { delegation_id: id },
      attempt: number + 1,
      deadlineAt: new Date(Date.now() + 60_000),
    }
    try {
      await runDelegation(deps, job, signal)
    } finally {
      await logs.close()
      await objects.close()
    }
  }
  return { id, directory, work, result: () => result }
}

/** Everything that is kept below a folder, as text. */
async function everything(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const texts = await Promise.all(
    files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  )
  return texts.join('\n')
}

/** Prints the secret plainly, in two pieces with a pause between, across the engine's parts, and as base64. */
const leak = [
  'echo "plain $JIT"',
  'printf "%s" "split ${JIT%%????????????????????}"; sleep 0.3; echo "${JIT#????????????????????????????????}"',
  'head -c 16360 /dev/zero | tr "\\0" x; echo "$JIT"',
  'printf "%s" "$JIT" | base64 -w 0; echo',
  'printf "%s" "user:$JIT" | base64',
].join('; ')
const forms = (value: string) =>
  [0, 1, 2].map((lead) =>
    Buffer.from('x'.repeat(lead) + value)
      .toString('base64')
      .slice(4, -4),
  )

it('is masked, plain, split, broken by the engine and encoded', async () => {
  const job = delegate(`${leak}; echo over`)
  await job.work(new AbortController().signal)
  expect(job.result()).toEqual({ status: 'completed', exitCode: 0, reason: null })
  await expect.poll(() => everything(join(job.directory, 'objects'))).toContain('over\n')
  const kept = await everything(job.directory)
  expect(kept).toContain('plain ***')
  expect(kept).toContain('split ***')
  expect(kept).not.toContain(secret)
  expect(kept).not.toContain(secret.slice(8, 40))
  for (const form of forms(secret)) expect(kept).not.toContain(form)
  expect(await dockerd.ask('/containers/json?all=1')).toEqual([])
})

it('is masked by whoever goes on with the log', async () => {
  const job = delegate(`echo begun; sleep 1; ${leak}; echo over`)
  const first = new AbortController()
  const working = job.work(first.signal)
  await expect.poll(() => everything(job.directory).catch(() => '')).toContain('begun\n')
  first.abort(new JobAborted('lost'))
  await expect(working).rejects.toThrow('lost')
  expect(await everything(job.directory)).not.toContain(secret)
  await job.work(new AbortController().signal)
  await expect.poll(() => everything(join(job.directory, 'objects'))).toContain('over\n')
  const kept = await everything(job.directory)
  expect(kept.match(/begun\n/g)).toHaveLength(1)
  expect(kept).toContain('plain ***')
  expect(kept).not.toContain(secret)
  for (const form of forms(secret)) expect(kept).not.toContain(form)
})

it('is not shown by who does not know it', async () => {
  const job = delegate(`echo begun; sleep 1; ${leak}; echo over`)
  const first = new AbortController()
  const working = job.work(first.signal)
  await expect.poll(() => everything(job.directory).catch(() => '')).toContain('begun\n')
  first.abort(new JobAborted('lost'))
  await expect(working).rejects.toThrow('lost')
  await rm(join(job.directory, 'delegations'), { recursive: true })
  await job.work(new AbortController().signal)
  expect(job.result()).toMatchObject({ status: 'completed' })
  await expect
    .poll(() => everything(join(job.directory, 'objects')))
    .toContain('not shown from here on')
  const kept = await everything(job.directory)
  expect(kept).not.toContain('plain')
  expect(kept).not.toContain(secret)
})

it('is forgotten also where whoever kept it was killed meanwhile', async () => {
  const directory = join(folder, 'killed')
  const kept = openDelegationSecrets(openVault([randomBytes(32)]), directory)
  const id = randomUUID()
  await kept.keep(id, [secret])
  await rename(join(directory, `${id}.sealed`), join(directory, `${id}.sealed.new`))
  expect(await kept.read(id)).toBeNull()
  expect(await kept.list()).toEqual([id])
  await kept.drop(id)
  expect(await readdir(directory)).toEqual([])
})
