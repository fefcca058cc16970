// What can go wrong with containers in a cluster, on a stand-in whose pods run on a real engine.
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createKubernetesContainerHost } from '../../packages/server/src/adapters/container-host/kubernetes/create-kubernetes-container-host.ts'
import { connectKubernetes, openClusterAccess } from '../../packages/server/src/kubernetes/index.ts'
import type {
  ContainerHost,
  ContainerSpec,
} from '../../packages/server/src/ports/container-host.ts'
import { busyboxFiles, type Dockerd, startDockerd } from '../support/dockerd.ts'
import { startWorkingCluster, type WorkingCluster } from '../support/kubernetes/working-cluster.ts'

const { signal } = new AbortController()
const owner = randomUUID()
const pod = {
  runAs: { uid: 1_000, gid: null },
  nodeSelector: {},
  runtimeClass: null,
  pullSecrets: [],
  startTimeoutMs: 20_000,
  deadlineMs: 3_600_000,
} as const
const labels = { 'io.slipway.owner': 'somebody', 'with/a space': 'a value, too' }

let dockerd: Dockerd
let cluster: WorkingCluster
let host: ContainerHost
const hosts: ContainerHost[] = []
beforeAll(async () => {
  dockerd = await startDockerd()
  await dockerd.importImage('busybox:1', await busyboxFiles())
  cluster = await startWorkingCluster(dockerd)
  host = await createHost()
})
afterAll(async () => {
  for (const each of hosts) await each.close()
  await cluster?.close()
  await dockerd?.close()
})
afterEach(async () => {
  for (const { id } of await host.list({}, signal)) await host.remove(id)
  await expect.poll(() => ['jobs', 'pods', 'secrets'].flatMap(list)).toEqual([])
})

/** One that knows nothing of those before it. */
async function createHost(of = owner): Promise<ContainerHost> {
  const access = await openClusterAccess({
    kubeconfig: cluster.kubeconfig,
    service: null,
    account: '',
  })
  const made = createKubernetesContainerHost({
    kubernetes: connectKubernetes(access, cluster.namespace),
    owner: of,
    pullPolicy: 'Never',
    log: pino({ level: 'silent' }),
  })
  hosts.push(made)
  return made
}
const list = (plural: string) => cluster.store.list(plural, cluster.namespace)
const specOf = (script: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
  image: 'busybox:1',
  command: ['sh', '-c', script],
  env: {},
  labels,
  workdir: null,
  user: null,
  mounts: [],
  network: 'none',
  idle: false,
  limits: { memoryBytes: null, cpus: null, pids: null, diskBytes: null },
  pod,
  ...more,
})
async function run(script: string, more: Partial<ContainerSpec> = {}): Promise<string> {
  const id = await host.create(specOf(script, more), signal)
  await host.start(id, { env: {} }, signal)
  return id
}
const podName = () => list('pods')[0]?.metadata.name ?? ''

describe('a container in a cluster', () => {
  it('is found by another host of the same owner alone, and gone on with', async () => {
    const id = await run(
      'i=1; while [ $i -le 30 ]; do echo $i; i=$((i+1)); sleep 0.05; done; exit 4',
    )
    const next = await createHost()
    const other = await createHost(randomUUID())
    expect(await next.list(labels, signal)).toMatchObject([{ id, labels, state: 'running' }])
    expect(await other.list(labels, signal)).toEqual([])
    expect(await other.find(id, signal)).toBeNull()
    let text = ''
    await next.follow(id, null, { write: (chunk) => void (text += chunk.toString()) }, signal)
    expect(text).toBe(Array.from({ length: 30 }, (_, n) => `${n + 1}\n`).join(''))
    expect(await next.wait(id, signal)).toMatchObject({ exitCode: 4, reason: null })
  })

  it('that was let go and did not start is one that runs, until its time is over', async () => {
    const nodeSelector = { pool: 'none' }
    const spec = specOf('true', { pod: { ...pod, nodeSelector, startTimeoutMs: 3_000 } })
    const id = await host.create(spec, signal)
    const cut = new AbortController()
    const starting = host.start(id, { env: {} }, cut.signal)
    starting.catch(() => {})
    await expect.poll(() => list('pods').length).toBe(1)
    cut.abort(new Error('the server dies'))
    const next = await createHost()
    expect(await next.find(id, signal)).toMatchObject({ state: 'running', startedAt: null })
    expect(await next.wait(id, signal)).toMatchObject({
      exitCode: null,
      mayNotHaveRun: true,
      reason: expect.stringContaining('No node takes it'),
    })
    let text = ''
    await next.follow(id, null, { write: (chunk) => void (text += chunk.toString()) }, signal)
    expect(text).toBe('')
  })

  it('says that output is missing which its node had thrown away', async () => {
    const id = await run('echo one; echo two; while [ ! -e /tmp/go ]; do sleep 0.05; done')
    await expect.poll(() => cluster.node.logOf(podName())).toContain('two')
    cluster.node.rotateLog(podName())
    let text = ''
    const sink = { write: (chunk: Buffer) => void (text += chunk.toString()) }
    const followed = (await createHost()).follow(id, null, sink, signal)
    await host.stop(id, 100)
    await followed
    expect(text).toContain('some output is missing here')
    expect(text).not.toContain('two')
  })

  it('that its node throws out says why, though it ended well', async () => {
    const id = await run(`trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done`)
    const ended = host.wait(id, signal)
    cluster.node.evict(podName())
    expect(await ended).toMatchObject({
      reason: expect.stringContaining('low on resource: memory'),
    })
  })

  it('is ended by the cluster where nobody else does it', async () => {
    // Ten minutes beyond its deadline: it is told what the cluster makes of that.
    const id = await run('sleep 300')
    const [job] = list('jobs')
    expect(job?.spec).toMatchObject({ activeDeadlineSeconds: 3_600 + 20 + 600, backoffLimit: 0 })
    cluster.store.edit('jobs', cluster.namespace, job?.metadata.name ?? '', (changed) => {
      const failed = { type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'late' }
      changed.status = { ...changed.status, conditions: [failed] }
    })
    cluster.store.remove('pods', cluster.namespace, podName())
    expect(await host.wait(id, signal)).toMatchObject({ reason: 'timeout' })
  })

  it('is not there any more when somebody has deleted its job', async () => {
    const id = await run('sleep 300')
    const ended = host.wait(id, signal)
    cluster.store.remove('jobs', cluster.namespace, list('jobs')[0]?.metadata.name ?? '', {
      propagationPolicy: 'Background',
    })
    await expect(ended).rejects.toMatchObject({ code: 'resource_not_found' })
  })

  it('is made once, also where the answer is lost', async () => {
    for (const kind of ['create jobs', 'create secrets', 'patch jobs']) {
      cluster.answerLate(kind)
      const id = await run('exit 6')
      expect(await host.wait(id, signal)).toMatchObject({ exitCode: 6 })
      expect(list('jobs'), kind).toHaveLength(1)
      await host.remove(id)
    }
  })

  it('has its own secrets where those of one before it, of its name, are still there', async () => {
    const spec = (value: string) =>
      specOf('echo "$EARLY $LATE"', { name: 'again', env: { EARLY: value } })
    const first = await host.create(spec('one'), signal)
    await host.start(first, { env: { LATE: 'one' } }, signal)
    await host.wait(first, signal)
    const before = list('secrets')
    await host.remove(first)
    await expect.poll(() => list('secrets')).toEqual([])
    for (const each of before) {
      const { name } = each.metadata
      const metadata = { ...each.metadata, name, ownerReferences: [] }
      cluster.store.create('secrets', cluster.namespace, { ...each, metadata })
    }
    const second = await host.create(spec('two'), signal)
    await host.start(second, { env: { LATE: 'two' } }, signal)
    let text = ''
    await host.follow(second, null, { write: (chunk) => void (text += chunk.toString()) }, signal)
    expect(text).toBe('two two\n')
    for (const { metadata } of before) {
      cluster.store.remove('secrets', cluster.namespace, metadata.name)
    }
  })

  it('is refused where no policy holds its network', async () => {
    const next = await createHost()
    const policies = list('networkpolicies')
    for (const { metadata } of policies) {
      cluster.store.remove('networkpolicies', cluster.namespace, metadata.name)
    }
    for (const network of ['none', 'internet']) {
      await expect(next.create(specOf('true', { network }), signal)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('network-policy.yaml'),
      })
    }
    for (const policy of policies)
      cluster.store.create('networkpolicies', cluster.namespace, policy)
    await next.create(specOf('true', { network: 'internet' }), signal)
  })

  it('has limits that the cluster knows, its secrets apart, and no more rights than it needs', async () => {
    const secret = randomUUID()
    const limits = { memoryBytes: 64 << 20, cpus: 0.5, pids: null, diskBytes: 3 << 20 }
    const id = await host.create(specOf('sleep 60', { limits, env: { EARLY: 'early' } }), signal)
    await host.start(id, { env: { SECRET: secret } }, signal)
    const [job] = list('jobs')
    const { uid } = job?.metadata ?? {}
    for (const found of list('secrets')) {
      expect(found.metadata.ownerReferences).toMatchObject([{ kind: 'Job', uid }])
    }
    expect(list('secrets')).toHaveLength(2)
    const text = JSON.stringify([job, list('pods')])
    expect(text).not.toContain(secret)
    expect(list('pods')[0]?.spec).toMatchObject({
      containers: [
        {
          resources: {
            limits: { memory: '67108864', cpu: '500m', 'ephemeral-storage': '3145728' },
          },
          securityContext: { runAsUser: 1_000, capabilities: { drop: ['ALL'] } },
        },
      ],
      automountServiceAccountToken: false,
      enableServiceLinks: false,
    })
  })

  it('uses what the shipped Role allows, and nothing else', () => {
    const allowed = cluster.rules.flatMap(({ verbs, resources }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    )
    expect([...cluster.used].filter((each) => !allowed.includes(each))).toEqual([])
  })
})
