import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DelegatedJob } from '@slipway/contract/delegations'
import { expect } from 'vitest'
import { busyboxFiles, type Dockerd, startDockerd } from './dockerd.ts'
import { startTestServer, type TestServer } from './server.ts'

/** A server with an engine of its own, whose jobs run what their `workflow` says. */
export interface DelegationPlace {
  readonly server: TestServer
  readonly dockerd: Dockerd
  /** Delegates a job that runs `script`; its labels choose its class, `shell` by default. */
  delegate(script: string, labels?: readonly string[]): Promise<string>
  get(id: string): Promise<DelegatedJob>
  /** Waits until the job is as `check` wants it. */
  until(id: string, check: (job: DelegatedJob) => boolean): Promise<DelegatedJob>
  ended(id: string): Promise<DelegatedJob>
  /** What the job printed, with the times cut off. */
  lines(id: string): Promise<string[]>
  /** What the engine has; nothing but what waits, once everything is over. */
  left(): Promise<{ containers: string[]; networks: number; volumes: number }>
  /** Other classes, for the next start of the server. */
  configure(classes: readonly PlaceClass[]): Promise<void>
  close(): Promise<void>
}

/** Image with a shell and no more, that the engine of the place has. */
export const shellImage = 'shell:1'
const command = ['sh', '-c', 'eval "$GITHUB_WORKFLOW"']

export interface PlaceClass {
  name: string
  [setting: string]: unknown
}

export async function startDelegationPlace(
  classes: readonly PlaceClass[],
  env: Record<string, string> | ((dockerd: Dockerd) => Promise<Record<string, string>>) = {},
): Promise<DelegationPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-classes-'))
  const config = join(folder, 'slipway.yaml')
  const configure = async (wanted: readonly PlaceClass[]) => {
    const given = wanted.map((each) => ({
      labels: [each.name],
      image: shellImage,
      command,
      maxRunners: 30,
      network: 'none',
      ...each,
    }))
    // JSON is YAML.
    await writeFile(config, JSON.stringify({ runners: { classes: given } }))
  }
  await configure(classes)
  const dockerd = await startDockerd()
  await dockerd.importImage(shellImage, await busyboxFiles())
  const server = await startTestServer({
    DOCKER_HOST: dockerd.host,
    SLIPWAY_CONFIG: config,
    SLIPWAY_PULL_IMAGES: 'false',
    API_RATE_LIMIT: '100000',
    ...(typeof env === 'function' ? await env(dockerd) : env),
  })
  const get = async (id: string) =>
    (await server.json<{ data: DelegatedJob }>('GET', `/api/jobs/${id}`)).data
  const until = async (id: string, check: (job: DelegatedJob) => boolean) => {
    let job = await get(id)
    await expect
      .poll(
        async () => {
          job = await get(id)
          return check(job) || (hasEnded(job) && 'ended')
        },
        { timeout: 90_000, interval: 50 },
      )
      .toBeTruthy()
    if (!check(job)) throw new Error(`the job ended: ${JSON.stringify(job)}`)
    return job
  }
  return {
    server,
    dockerd,
    async delegate(script, labels = ['shell']) {
      const body = {
        jobId: randomUUID(),
        runId: '789012',
        repository: 'owner/repo',
        workflow: script,
        labels,
      }
      const { data } = await server.json<{ data: { delegationId: string } }>(
        'POST',
        '/api/jobs/delegate',
        { body },
      )
      return data.delegationId
    },
    get,
    until,
    ended: (id) => until(id, hasEnded),
    async lines(id) {
      const answer = await server.json<{ data: { logs: string } }>('GET', `/api/jobs/${id}/logs`)
      const { logs } = answer.data
      return logs
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /)
          return line.slice(line.indexOf(' ') + 1)
        })
    },
    async left() {
      const containers = await dockerd.ask<{ Names: string[] }[]>('/containers/json?all=1')
      const networks = await dockerd.ask<{ Driver: string }[]>('/networks')
      const { Volumes } = await dockerd.ask<{ Volumes: unknown[] | null }>('/volumes')
      return {
        containers: containers.map(({ Names }) => Names[0] ?? ''),
        networks: networks.filter(({ Driver }) => Driver === 'bridge').length,
        volumes: Volumes?.length ?? 0,
      }
    },
    configure,
    async close() {
      await server.close()
      await dockerd.close()
      await rm(folder, { recursive: true })
    },
  }
}

function hasEnded({ status }: DelegatedJob): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

export const nothing = { containers: [], networks: 0, volumes: 0 }
