import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createArgocdReconciler } from '../../packages/server/src/adapters/reconciler/argocd/create-argocd-reconciler.ts'
import { createEmbeddedStore } from '../../packages/server/src/deployments/index.ts'
import { type ArgocdServer, startArgocdServer } from '../support/argocd-server.ts'
import { type BareRepository, createBareRepository } from '../support/gitops-repository.ts'
import { reconcilerSuite } from './reconciler.suite.ts'

async function makeReconciler(argocd: ArgocdServer, repository: BareRepository) {
  const store = createEmbeddedStore({ directory: repository.directory, branch: 'main' })
  return createArgocdReconciler({
    url: argocd.url,
    token: argocd.token,
    application: '{environment}-{project}',
    includes: store.includes,
  })
}

/** Has seen the revision, applied it, and everything runs. */
function synced(revision: string) {
  return {
    sync: { status: 'Synced', revision },
    health: { status: 'Healthy' },
    operationState: { phase: 'Succeeded', message: 'successfully synced' },
  }
}

reconcilerSuite('argocd', async () => {
  const argocd = await startArgocdServer()
  const repository = await createBareRepository()
  argocd.applications.set('production-api', { sync: { status: 'OutOfSync' } })
  return {
    reconciler: await makeReconciler(argocd, repository),
    async commit() {
      const sha = await repository.prepare()
      await repository.push()
      return sha
    },
    async reconcile() {
      argocd.applications.set('production-api', synced(await repository.head()))
    },
    takeAway: () => argocd.close(),
    secrets: [argocd.token],
    async dispose() {
      await argocd.close()
      await repository.remove()
    },
  }
})

describe('argocd', () => {
  let argocd: ArgocdServer
  let repository: BareRepository
  let sha: string
  beforeEach(async () => {
    argocd = await startArgocdServer()
    repository = await createBareRepository()
    sha = await repository.commit({ a: '1' })
  })
  afterEach(async () => {
    await argocd.close()
    await repository.remove()
  })

  const check = async (over: object = {}, signal = AbortSignal.timeout(5_000)) =>
    (await makeReconciler(argocd, repository)).check(
      {
        id: '0198c5a2-8d4e-7c3a-9f10-000000000001',
        environment: 'production',
        repository: 'acme/shop',
        project: 'api',
        gitopsCommitSha: sha,
        ...over,
      },
      signal,
    )

  it('has Argo CD look at the repository at once', async () => {
    argocd.applications.set('production-api', synced(sha))
    expect(await check()).toEqual({ reconciled: true })
    expect(argocd.asked).toEqual(['/api/v1/applications/production-api?refresh=normal'])
  })

  it('looks at every source of an application that has several', async () => {
    const revisions = ['1.2.3', 'f'.repeat(40), sha]
    argocd.applications.set('production-api', {
      sync: { status: 'Synced', revisions },
      health: { status: 'Healthy' },
    })
    expect(await check()).toEqual({ reconciled: true })
  })

  it.each([
    ['OutOfSync', { sync: { status: 'OutOfSync' } }, 'OutOfSync'],
    ['Progressing', { health: { status: 'Progressing' } }, 'Progressing'],
    ['Degraded', { health: { status: 'Degraded', message: 'crash loop' } }, 'Degraded: crash loop'],
    [
      'a failed sync',
      { operationState: { phase: 'Failed', message: 'no quota' } },
      'failed: no quota',
    ],
  ])('waits while it is %s, and says so', async (_what, over, words) => {
    const status = { ...synced(sha), ...over }
    argocd.applications.set('production-api', {
      ...status,
      sync: { ...status.sync, revision: sha },
    })
    expect(await check()).toEqual({ reconciled: false, reason: expect.stringContaining(words) })
  })

  it('names the application that is not there', async () => {
    const answer = await check({ environment: 'staging' })
    expect(answer).toMatchObject({ reason: expect.stringContaining('no application staging-api') })
  })

  it.each(['not json', 'redirect', 'error'] as const)('survives: %s', async (fault) => {
    argocd.fault = fault
    expect(await check()).toMatchObject({ reconciled: false })
    expect(argocd.asked).toHaveLength(1)
  })

  it('gives up at its deadline', async () => {
    argocd.fault = 'hang'
    const answer = await check({}, AbortSignal.timeout(100))
    expect(answer).toMatchObject({ reason: expect.stringContaining('too long') })
  })
})
