import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ArgocdServer, startArgocdServer } from '../support/argocd-server.ts'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'

// Deployments that wait for Argo CD, and a server that goes on asking.

let argocd: ArgocdServer
let world: DeploymentWorld
beforeAll(async () => {
  argocd = await startArgocdServer()
  world = await createDeploymentWorld({
    GITOPS_RECONCILER: 'argocd',
    GITOPS_RECONCILE_TIMEOUT: '1s',
    ARGOCD_URL: argocd.url,
    ARGOCD_TOKEN: argocd.token,
    ARGOCD_APP: '{project}-{environment}',
  })
})
afterAll(async () => {
  await world.close()
  await argocd.close()
})
beforeEach(() => argocd.applications.clear())
afterEach(() => void (argocd.fault = null))

function synced(name: string, revision: string, health = 'Healthy'): void {
  argocd.applications.set(name, {
    sync: { status: 'Synced', revision },
    health: { status: health },
  })
}

const told = async (type: string, id: string) =>
  (await world.events(type)).filter(({ data }) => data['deployment_id'] === id)

async function failed(id: string) {
  await expect.poll(async () => (await world.get(id)).failed_at, { timeout: 15_000 }).not.toBeNull()
  return world.get(id)
}

describe('a deployment that Argo CD has not reconciled', () => {
  it('stays pending, with why, and becomes active when it is', async () => {
    const made = await world.deploy((await world.release({ project: 'slow' })).id)
    synced('slow-staging', made.gitops_commit_sha, 'Progressing')
    const late = await failed(made.id)
    expect(late).toMatchObject({ status: 'pending' })
    expect(late.reason).toMatch(/^Not reconciled within 1 seconds\. The application slow-staging /)
    const [event] = await told('deployment.failed', made.id)
    expect(event?.data['reason']).toBe(late.reason)
    synced('slow-staging', made.gitops_commit_sha)
    const active = await world.reaches(made.id, 'active')
    expect(active).toMatchObject({ failed_at: null })
    expect(active.reason).toBeUndefined()
    expect(await told('deployment.failed', made.id)).toHaveLength(1)
    const [completed] = await told('deployment.completed', made.id)
    expect(completed?.data['reconciliation_duration_seconds']).toBeGreaterThanOrEqual(1)
  })

  it('is superseded by a later one that is', async () => {
    const first = await world.deploy((await world.release({ project: 'over' })).id)
    const second = await world.deploy((await world.release({ project: 'over' })).id)
    // It has the first one, too: the second was committed on top.
    synced('over-staging', second.gitops_commit_sha)
    await world.reaches(second.id, 'active')
    await world.reaches(first.id, 'superseded')
    expect(await told('deployment.completed', second.id)).toHaveLength(1)
  })

  it('is asked about on after a restart, and when Argo CD was away', async () => {
    const made = await world.deploy((await world.release({ project: 'away' })).id)
    argocd.fault = 'error'
    const late = await failed(made.id)
    expect(late.reason).toContain('Argo CD answered with status 502')
    argocd.fault = null
    synced('away-staging', made.gitops_commit_sha)
    await world.server.stop()
    await world.server.restart()
    await world.reaches(made.id, 'active')
    expect(world.server.output.join('\n')).not.toContain(argocd.token)
  })
})
