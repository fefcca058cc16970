import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { umask } from 'node:process'
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openClusterAccess } from '../../packages/server/src/kubernetes/index.ts'
import { busyboxFiles, contextOf, startDockerd } from '../support/dockerd.ts'
import { type ClusterObject, StatusError } from '../support/kubernetes/cluster-object.ts'
import { startWorkingCluster } from '../support/kubernetes/working-cluster.ts'
import { type ClusterPlace, makeOn } from './executor-kubernetes-world.ts'
import { type ExecutorWorld, makeExecutorWorld } from './executor-world.ts'

const before = umask(0)
const dockerd = await startDockerd()
await dockerd.importImage('plain:1', await busyboxFiles())
const cluster = await startWorkingCluster(dockerd)
const { store, namespace, node } = cluster
node.addClaim('files', '/tmp')
afterAll(async () => {
  umask(before)
  await cluster.close()
  await dockerd.close()
})
const place: ClusterPlace = {
  kubeconfig: cluster.kubeconfig,
  namespace,
  claim: 'files',
  startTimeoutMs: 30_000,
}
const access = await openClusterAccess({
  kubeconfig: null,
  service: { host: '127.0.0.1', port: new URL(cluster.url).port },
  account: cluster.account,
})

let world: ExecutorWorld
beforeEach(async () => {
  world = await makeExecutorWorld((stateDir) => makeOn(access, place, stateDir), 'plain:1')
})
afterEach(async () => {
  await world.close()
  await expect.poll(() => objects()).toEqual([])
})

const objects = () => ['jobs', 'pods', 'secrets'].flatMap((plural) => store.list(plural, namespace))
/** The one pod that there is. */
const onlyPod = (): ClusterObject => {
  const [pod, ...others] = store.list('pods', namespace)
  if (pod === undefined || others.length > 0) throw new Error('not one pod')
  return pod
}
const startUp = async (script: string) => {
  const started = await world.start(['sh', '-c', `echo up; ${script}`])
  await started.said('up')
  return started
}

describe('a step in a cluster', () => {
  it('shows nothing of its environment in its job, and leaves no object behind', async () => {
    const started = await world.start(['sh', '-c', 'id -u; echo up; sleep 60'], {
      env: { PASSWORD: 'correct-horse' },
    })
    await started.said('54321\nup')
    const [job, pod, secret] = objects()
    expect(JSON.stringify([job, pod])).toContain('sleep 60')
    expect(JSON.stringify([job, pod])).not.toContain('correct-horse')
    expect(secret).toMatchObject({
      immutable: true,
      metadata: { ownerReferences: [{ kind: 'Job', uid: job?.metadata.uid }] },
    })
    expect(pod?.spec).toMatchObject({
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          securityContext: {
            runAsUser: 54_321,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    })
    expect(job?.spec).toMatchObject({ backoffLimit: 0, ttlSecondsAfterFinished: 3_600 })
    expect(job?.spec?.activeDeadlineSeconds).toBe(20 + 30 + 120)
    started.stop(0)
    await started.done
  })

  it('is refused without an image, with one that is missing, and with variables that no shell sets', async () => {
    await expect(world.start(['true'], { image: null })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(world.start(['true'], { image: 'no/such:1' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('no/such:1'),
    })
    await expect(world.start(['true'], { env: { 'a-b': '1' } })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('a-b'),
    })
  })

  it('is refused an image without a shell', async () => {
    await dockerd.importImage('empty:1', contextOf({ 'etc/nothing': '' }))
    await expect(world.start(['true'], { image: 'empty:1' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('an image needs /bin/sh'),
    })
  })

  it('is refused what is too large to be handed over', async () => {
    const env = { LARGE: 'x'.repeat(1_100_000) }
    await expect(world.start(['true'], { env })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('at most 1048576 bytes'),
    })
    await expect(world.start(['true'], { readOnly: ['/usr'] })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('/usr is not on the volume'),
    })
  })

  it('has no network only where a policy sees to it', async () => {
    const policy = store.get('networkpolicies', namespace, 'slipway-no-network')
    store.remove('networkpolicies', namespace, 'slipway-no-network')
    onTestFinished(() => void store.create('networkpolicies', namespace, policy))
    await expect(world.start(['true'], { network: 'none' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('network-policy.yaml'),
    })
    expect(await world.sh('true', { network: 'host' })).toMatchObject({ exitCode: 0 })
  })

  it('says why it does not start when no node takes it', async () => {
    const executor = makeOn(access, { ...place, startTimeoutMs: 1_500 }, `${world.stateDir}-2`, {
      nodeSelector: { disk: 'ssd' },
    })
    await executor.open()
    onTestFinished(() => executor.close())
    const sink = { write() {} }
    await expect(executor.start(world.spec(['true']), sink)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/No node takes it: 0\/1 nodes are available.*waited for 2 s/),
    })
    node.labels.disk = 'ssd'
    onTestFinished(() => void delete node.labels.disk)
    const execution = await executor.start(world.spec(['true']), sink)
    expect(await execution.done).toMatchObject({ exitCode: 0 })
  })

  it('says why the cluster makes no pod for it', async () => {
    const executor = makeOn(access, { ...place, startTimeoutMs: 300 }, `${world.stateDir}-2`)
    await executor.open()
    onTestFinished(() => executor.close())
    cluster.refusePods('exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4')
    onTestFinished(() => cluster.refusePods(null))
    await expect(executor.start(world.spec(['true']), { write() {} })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('exceeded quota'),
    })
  })

  it('is given up while it waits, when nobody wants it any more', async () => {
    const executor = makeOn(access, place, `${world.stateDir}-2`, {
      nodeSelector: { disk: 'none' },
    })
    await executor.open()
    onTestFinished(() => executor.close())
    const wanted = new AbortController()
    const starting = executor.start(world.spec(['true']), { write() {} }, wanted.signal)
    starting.catch(() => {})
    await expect.poll(() => store.list('pods', namespace)).toHaveLength(1)
    wanted.abort(new Error('enough'))
    await expect(starting).rejects.toThrow('enough')
    await expect.poll(() => objects()).toEqual([])
  })
})

describe('a step that its cluster ends', () => {
  it('has failed, with the reason, when it is evicted', async () => {
    const started = await startUp('sleep 60')
    node.evict(onlyPod().metadata.name)
    expect(await started.done).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/Evicted from node node-1: .*low on resource: memory/),
    })
  })

  it('has failed when somebody deletes its pod, though it ends well', async () => {
    const started = await startUp(`trap 'exit 0' TERM; while :; do sleep 0.05; done`)
    store.remove('pods', namespace, onlyPod().metadata.name, { gracePeriodSeconds: 2 })
    expect(await started.done).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('deleted'),
    })
  })

  it('has failed when somebody deletes its job', async () => {
    const started = await startUp('sleep 60')
    const [job] = store.list('jobs', namespace)
    store.remove('jobs', namespace, job?.metadata.name ?? '', { propagationPolicy: 'Background' })
    expect(await started.done).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('deleted'),
    })
  })

  it('has failed when its node is lost and the cluster gives the pod up', async () => {
    const started = await startUp('sleep 60')
    const { name } = onlyPod().metadata
    const give = node.lose()
    store.edit('pods', namespace, name, (pod) => {
      const reason = 'DeletionByTaintManager'
      pod.status = {
        ...pod.status,
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message: 'taint' }],
      }
    })
    store.remove('pods', namespace, name, { gracePeriodSeconds: 0 })
    expect(await started.done).toMatchObject({
      outcome: 'failed',
      reason: 'The cluster lost node node-1 while it ran.',
    })
    await give()
  })
})

describe('a cluster that is away', () => {
  it('loses and doubles no line of output', async () => {
    const lines = 4_000
    const started = await startUp(
      `i=0; while [ $i -lt ${lines} ]; do echo "line $i"; i=$((i+1)); [ $((i % 400)) -gt 0 ] || sleep 0.1; done`,
    )
    let isOver = false
    void started.done.then(() => (isOver = true))
    let cuts = 0
    while (!isOver) {
      cluster.cut()
      cuts++
      await sleep(120)
    }
    expect(await started.done).toMatchObject({ outcome: 'exited', exitCode: 0 })
    expect(cuts).toBeGreaterThan(3)
    const expected = Array.from({ length: lines }, (_, index) => `line ${index}\n`).join('')
    expect(started.output()).toBe(`up\n${expected}`)
  })

  it('is waited for: a step that ends meanwhile has ended as it did, with all that it said', async () => {
    const started = await startUp(
      `until [ -e '${world.workspace}/go' ]; do sleep 0.05; done; head -c 3000000 /dev/zero | tr '\\0' x; exit 7`,
    )
    await cluster.stop()
    await writeFile(`${world.workspace}/go`, '')
    // It gets no further than what nobody has taken.
    await sleep(1_500)
    expect(started.output()).toBe('up\n')
    await cluster.start()
    expect(await started.done).toMatchObject({ outcome: 'exited', exitCode: 7 })
    expect(started.output()).toHaveLength(3 + 3_000_000)
  })

  it('ends a step that was stopped meanwhile', async () => {
    const started = await startUp('sleep 60')
    await cluster.stop()
    started.stop()
    await sleep(300)
    await cluster.start()
    expect(await started.done).toMatchObject({ outcome: 'stopped' })
  })

  it('may forget what was watched: what has changed is found out', async () => {
    const started = await startUp('sleep 0.5; exit 5')
    const restore = cluster.fault(({ verb }) => (verb === 'watch' ? 'cut' : null))
    cluster.cut()
    await sleep(1_000)
    store.compact()
    restore()
    expect(await started.done).toMatchObject({ outcome: 'exited', exitCode: 5 })
  })

  it('may be overloaded, and answer what it has done with a conflict', async () => {
    const seen = new Map<string, number>()
    const restore = cluster.fault(({ verb, resource }) => {
      if (verb === 'watch') return null
      const asked = `${verb} ${resource}`
      const count = (seen.get(asked) ?? 0) + 1
      seen.set(asked, count)
      if (count === 1) return new StatusError(429, 'TooManyRequests', 'too many requests', 0)
      return count === 2 ? new StatusError(503, 'ServiceUnavailable', 'etcd is away') : null
    })
    onTestFinished(restore)
    expect(await world.sh('echo fine')).toMatchObject({ exitCode: 0, output: 'fine\n' })
    expect(seen.get('create jobs')).toBe(3)
  })

  it('makes no second job of a request whose answer was lost', async () => {
    const restore = cluster.answerLate('create jobs')
    onTestFinished(restore)
    expect(await world.sh('echo once')).toMatchObject({ exitCode: 0, output: 'once\n' })
  })

  it('takes a new token when the old one is refused', async () => {
    const started = await startUp('sleep 1; echo late')
    await cluster.rotateToken()
    cluster.cut()
    expect(await started.done).toMatchObject({ exitCode: 0 })
    expect(started.output()).toBe('up\nlate\n')
    expect(await world.sh('echo next')).toMatchObject({ output: 'next\n' })
  })

  it('says of output that its node no longer has that it is missing', async () => {
    const [go, on] = [`${world.workspace}/go`, `${world.workspace}/on`]
    const wait = (path: string) => `until [ -e '${path}' ]; do sleep 0.05; done`
    const started = await startUp(`${wait(go)}; echo two; ${wait(on)}; sleep 1; echo three`)
    await cluster.stop()
    await writeFile(go, '')
    await expect.poll(() => node.logOf(onlyPod().metadata.name)).toContain('two')
    node.rotateLog(onlyPod().metadata.name)
    await cluster.start()
    await writeFile(on, '')
    expect(await started.done).toMatchObject({ outcome: 'exited', exitCode: 0 })
    expect(started.output()).toMatch(/^up\n\n--- some output is missing here: .*\nthree\n$/)
  })

  it('fails a step the end of whose output can be read no more', async () => {
    const go = `${world.workspace}/go`
    const started = await startUp(`until [ -e '${go}' ]; do sleep 0.05; done; echo two; exit 0`)
    const { name } = onlyPod().metadata
    await cluster.stop()
    await writeFile(go, '')
    await expect.poll(() => node.logOf(name)).toContain('two')
    node.rotateLog(name)
    await cluster.start()
    expect(await started.done).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('end of its output'),
    })
  })
})

it('uses every right that the shipped Role gives, and no other', () => {
  const granted = cluster.rules.flatMap(({ resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  )
  expect([...cluster.used].toSorted()).toEqual(granted.toSorted())
})
