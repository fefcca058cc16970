import { rm } from 'node:fs/promises'
import { createGitReconciler } from '../../packages/server/src/adapters/reconciler/git/create-git-reconciler.ts'
import {
  createEmbeddedStore,
  createRemoteStore,
} from '../../packages/server/src/deployments/index.ts'
import { createBareRepository } from '../support/gitops-repository.ts'
import { reconcilerSuite } from './reconciler.suite.ts'

const never = new AbortController().signal

reconcilerSuite('git, remote', async () => {
  const remote = await createBareRepository()
  const clone = await createBareRepository()
  const password = 'a-password-for-tests'
  const store = createRemoteStore({
    directory: clone.directory,
    branch: 'main',
    url: remote.url,
    access: async () => ({
      url: remote.url,
      protocols: 'file',
      env: { SLIPWAY_GIT_PASSWORD: password },
      close: async () => undefined,
    }),
  })
  await store.open(never)
  return {
    reconciler: createGitReconciler({ contains: store.contains }),
    commit: () => remote.prepare(),
    reconcile: () => remote.push(),
    takeAway: () => rm(remote.directory, { recursive: true }),
    secrets: [password],
    async dispose() {
      await remote.remove()
      await clone.remove()
    },
  }
})

reconcilerSuite('git, embedded', async () => {
  const repository = await createBareRepository()
  const store = createEmbeddedStore({ directory: repository.directory, branch: 'main' })
  await store.open(never)
  return {
    reconciler: createGitReconciler({ contains: store.contains }),
    commit: () => repository.prepare(),
    reconcile: () => repository.push(),
    takeAway: () => rm(repository.directory, { recursive: true }),
    secrets: [],
    dispose: () => repository.remove(),
  }
})
