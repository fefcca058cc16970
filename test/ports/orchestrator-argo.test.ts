import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createArgoOrchestrator } from '../../packages/server/src/adapters/orchestrator/argo/create-argo-orchestrator.ts'
import type { WorkflowSettings } from '../../packages/server/src/adapters/orchestrator/argo/make-workflow.ts'
import { connectKubernetes, openClusterAccess } from '../../packages/server/src/kubernetes/index.ts'
import { argoResources } from '../support/kubernetes/argo-resources.ts'
import type { ArgoWorkflow } from '../support/kubernetes/argo-types.ts'
import { StatusError } from '../support/kubernetes/cluster-object.ts'
import { readTemplate, roleFile } from '../support/kubernetes/start-argo.ts'
import { type Cluster, startCluster } from '../support/kubernetes/start-cluster.ts'
import { orchestratorSuite } from './orchestrator.suite.ts'

const settings: WorkflowSettings = {
  template: 'slipway-run',
  serverUrl: 'https://slipway.example.test',
  image: null,
  tokenSecret: null,
}

async function connect(cluster: Cluster) {
  const { kubeconfig, namespace } = cluster
  const access = await openClusterAccess({ kubeconfig, service: null, account: '/nowhere' })
  return connectKubernetes(access, namespace)
}

/** Without a controller: workflows stay as they are. */
async function startIdle(): Promise<Cluster> {
  const cluster = await startCluster({ resources: argoResources, roles: [roleFile] })
  cluster.store.create('workflowtemplates', cluster.namespace, await readTemplate())
  return cluster
}

const foreign = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  spec: { workflowTemplateRef: { name: 'of-somebody-else' } },
}

orchestratorSuite('argo', async () => {
  const cluster = await startIdle()
  const { store, namespace } = cluster
  const kubernetes = await connect(cluster)
  return {
    orchestrator: createArgoOrchestrator(kubernetes, settings),
    names: () => store.list('workflows', namespace).map(({ metadata }) => metadata.name),
    async end(name, state) {
      store.edit('workflows', namespace, name, (object) => {
        const phase = state === 'succeeded' ? 'Succeeded' : 'Failed'
        object.status = { phase, finishedAt: new Date().toISOString() }
      })
    },
    remove: async (name) => void store.remove('workflows', namespace, name),
    occupy: async (name) =>
      void store.create('workflows', namespace, { ...foreign, metadata: { name } }),
    loseAnswer() {
      const stop = store.listen(({ type }) => {
        if (type !== 'ADDED') return
        stop()
        cluster.cut()
      })
    },
    takeAway: () => cluster.stop(),
    bringBack: () => cluster.start(),
    interrupt: () => cluster.cut(),
    forget: () => store.compact(),
    secrets: ['token-'],
    async dispose() {
      kubernetes.close()
      await cluster.close()
    },
  }
})

describe('argo', () => {
  let cluster: Cluster
  beforeEach(async () => {
    cluster = await startIdle()
  })
  afterEach(() => cluster.close())

  const run = {
    name: 'slipway-run-0198c5a2-8d4e-7c3a-9f10-000000000001',
    runId: '0198c5a2-8d4e-7c3a-9f10-000000000001',
    repository: 'acme/shop',
    branch: 'main',
    commitSha: 'abc123def456',
    triggeredBy: 'alice',
  }
  const submit = async (more: Partial<WorkflowSettings> = {}) => {
    const kubernetes = await connect(cluster)
    try {
      const orchestrator = createArgoOrchestrator(kubernetes, { ...settings, ...more })
      return await orchestrator.submit(run, AbortSignal.timeout(10_000))
    } finally {
      kubernetes.close()
    }
  }
  const submitted = () =>
    cluster.store.get('workflows', cluster.namespace, run.name) as ArgoWorkflow

  it('submits what the template asks for, with labels to find it by and nothing secret', async () => {
    await submit({ image: 'registry.example.test/slipway:1.0', tokenSecret: 'dispatchers' })
    const { metadata, spec } = submitted()
    expect(metadata.labels).toEqual({
      'app.kubernetes.io/managed-by': 'slipway',
      'slipway.dev/run': run.runId,
    })
    expect(metadata.annotations).toMatchObject({
      'slipway.dev/repository': 'acme/shop',
      'slipway.dev/commit': 'abc123def456',
      'slipway.dev/triggered-by': 'alice',
    })
    expect(spec).toEqual({
      workflowTemplateRef: { name: 'slipway-run' },
      arguments: {
        parameters: [
          { name: 'run', value: run.runId },
          { name: 'server', value: 'https://slipway.example.test' },
          { name: 'image', value: 'registry.example.test/slipway:1.0' },
          { name: 'token-secret', value: 'dispatchers' },
        ],
      },
    })
  })

  it('leaves to the template what the settings do not say', async () => {
    await submit()
    const names = submitted().spec.arguments?.parameters?.map(({ name }) => name)
    expect(names).toEqual(['run', 'server'])
    const template = await readTemplate()
    const known = template.spec?.arguments as { parameters: { name: string; value?: string }[] }
    expect(
      known.parameters.filter(({ value }) => value === undefined).map(({ name }) => name),
    ).toEqual(names)
  })

  it.each([
    [403, 'Forbidden', 'refused'],
    [422, 'Invalid', 'refused'],
    [429, 'TooManyRequests', 'away'],
    [500, 'InternalError', 'away'],
    [503, 'ServiceUnavailable', 'away'],
  ])('tells a refusal with %i as %s', async (status, reason, expected) => {
    cluster.fault(({ verb }) =>
      verb === 'create' ? new StatusError(status, reason, 'because') : null,
    )
    await expect(submit()).rejects.toMatchObject({
      name: 'OrchestratorError',
      reason: expected,
      message: 'Argo Workflows: because',
    })
  })

  it('is unhealthy without its template', async () => {
    const kubernetes = await connect(cluster)
    const orchestrator = createArgoOrchestrator(kubernetes, { ...settings, template: 'other' })
    await expect(orchestrator.check()).rejects.toThrow('not found')
    kubernetes.close()
  })

  it('does not lose a race with the controller when it terminates', async () => {
    const { uid } = await submit()
    const kubernetes = await connect(cluster)
    const orchestrator = createArgoOrchestrator(kubernetes, settings)
    let changes = 0
    cluster.fault(({ verb }) => {
      if (verb !== 'patch' || changes === 3) return null
      changes += 1
      cluster.store.edit('workflows', cluster.namespace, run.name, (object) => {
        object.status = { phase: 'Running', progress: `${changes}/3` }
      })
      return null
    })
    await orchestrator.terminate({ name: run.name, uid }, AbortSignal.timeout(10_000))
    expect(submitted()).toMatchObject({
      spec: { shutdown: 'Terminate' },
      status: { progress: '3/3' },
    })
    kubernetes.close()
  })

  it('tells why pods failed, and of no other steps', async () => {
    await submit()
    cluster.store.edit('workflows', cluster.namespace, run.name, (object) => {
      object.status = {
        phase: 'Failed',
        message: 'child failed',
        nodes: {
          a: {
            id: 'a',
            name: 'a',
            displayName: 'walk',
            type: 'DAG',
            phase: 'Failed',
            message: 'm',
          },
          b: {
            id: 'b',
            name: 'b',
            displayName: 'dispatch(0)',
            type: 'Pod',
            phase: 'Failed',
            message: 'main: Error (exit code 124)',
          },
        },
      }
    })
    const kubernetes = await connect(cluster)
    const orchestrator = createArgoOrchestrator(kubernetes, settings)
    expect(await orchestrator.find(run.name, AbortSignal.timeout(10_000))).toMatchObject({
      state: 'failed',
      message: 'child failed',
      failures: [{ step: 'dispatch(0)', message: 'main: Error (exit code 124)' }],
    })
    kubernetes.close()
  })
})
