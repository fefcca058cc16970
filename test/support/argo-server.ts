import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { CreatedToken } from '@slipway/contract/access'
import type { Run } from '@slipway/contract/runs'
import { expect } from 'vitest'
import { createRepository } from './git-repository.ts'
import type { ArgoWorkflow } from './kubernetes/argo-types.ts'
import { type ArgoCluster, startArgo } from './kubernetes/start-argo.ts'
import { finishedRun, startRun, tasksOf, waitForRun } from './runs.ts'
import { startTestServer, type TestServer } from './server.ts'

const name = 'acme/shop'

/** A server whose runs a stand-in cluster goes through. */
export interface ArgoServer {
  readonly server: TestServer
  readonly argo: ArgoCluster
  /** Commits files to the server's one repository, and starts a run of that. */
  begin(files: Record<string, string | null>): Promise<string>
  /** Waits until a run has ended. */
  finish(runId: string): Promise<Run>
  /** Waits until a run's tasks run, and a dispatcher waits for them. */
  underWay(runId: string): Promise<void>
  /** Waits until nothing is to be done about the workflow of a run any more. */
  settled(runId: string): Promise<Run>
  /** The command of the dispatcher that runs for a run. */
  stageOf(runId: string): readonly string[] | undefined
  /** The workflow of a run; fails where there is none. */
  workflowOf(runId: string): ArgoWorkflow
  /** Waits until it is as `condition` wants it. */
  waitForWorkflow(runId: string, condition: (workflow: ArgoWorkflow) => boolean): Promise<void>
  /** What dispatchers of a run were asked to do, in the order of their ends: a stage, or `Failed` at its end. */
  dispatched(runId: string): { asked: string; exitCode: number }[]
  close(): Promise<void>
}

export async function startArgoServer(env: Record<string, string> = {}): Promise<ArgoServer> {
  const argo = await startArgo()
  const port = await freePort()
  // Dispatchers find it again after a restart.
  const server = await startTestServer({
    PORT: String(port),
    SLIPWAY_ORCHESTRATOR: 'argo',
    ARGO_SERVER_URL: `http://127.0.0.1:${port}`,
    KUBECONFIG: argo.cluster.kubeconfig,
    ...env,
  }).catch(async (error: unknown) => {
    await argo.close()
    throw error
  })
  const body = { name: 'dispatchers', roles: ['service-account'] }
  argo.putToken((await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token)
  const repository = await createRepository(server.repositories, name)
  const stageOf = (runId: string) =>
    argo.pods.running().find(({ command }) => command.includes(runId))?.command
  const find = (runId: string) => argo.workflow(`slipway-run-${runId}`)
  return {
    server,
    argo,
    begin: async (files) => startRun(server, name, await repository.commit(files)),
    finish: (runId) => finishedRun(server, runId),
    async underWay(runId) {
      const runs = (run: Run) => tasksOf(run).some(({ status }) => status === 'running')
      await waitForRun(server, runId, runs)
      await expect.poll(() => stageOf(runId), { timeout: 20_000 }).toContain('group-1')
    },
    settled: (runId) => waitForRun(server, runId, ({ workflow }) => workflow?.status === 'ended'),
    stageOf,
    workflowOf(runId) {
      const found = find(runId)
      if (found === null) throw new Error(`run ${runId} has no workflow`)
      return found
    },
    async waitForWorkflow(runId, condition) {
      await expect
        .poll(
          () => {
            const found = find(runId)
            return found !== null && condition(found)
          },
          { timeout: 30_000 },
        )
        .toBe(true)
    },
    dispatched: (runId) =>
      argo.pods.ended
        .filter(({ command }) => command.includes(runId))
        .map(({ command, end }) => ({
          asked: command[command.findIndex((word) => /^--(stage|ended)$/.test(word)) + 1] ?? '',
          exitCode: end.exitCode,
        })),
    async close() {
      await argo.close()
      await server.close()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
