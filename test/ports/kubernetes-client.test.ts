// The client of Kubernetes against a stand-in API server.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest'
import {
  type ClusterAccess,
  connectKubernetes,
  followObjects,
  jobs,
  type Kubernetes,
  type KubernetesObject,
  openClusterAccess,
  secrets,
} from '../../packages/server/src/kubernetes/index.ts'
import { StatusError } from '../support/kubernetes/cluster-object.ts'
import { coreResources } from '../support/kubernetes/core-resources.ts'
import { type Cluster, startCluster } from '../support/kubernetes/start-cluster.ts'

const role = fileURLToPath(new URL('../../deploy/kubernetes/role.yaml', import.meta.url))
const signal = AbortSignal.timeout(60_000)
let cluster: Cluster
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-kubeconfig-'))
  cluster = await startCluster({ resources: coreResources, roles: [role] })
})
afterAll(async () => {
  await cluster.close()
  await rm(folder, { recursive: true })
})

const job = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, labels },
  spec: {
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'one', image: 'none' }] } },
  },
})
const put = (name: string, labels?: Record<string, string>) =>
  cluster.store.create('jobs', cluster.namespace, job(name, labels))
const drop = (name: string) => cluster.store.remove('jobs', cluster.namespace, name)
const inPod = () =>
  openClusterAccess({
    kubeconfig: null,
    service: { host: '127.0.0.1', port: new URL(cluster.url).port },
    account: cluster.account,
  })

let client: Kubernetes
beforeEach(async () => {
  client = connectKubernetes(await inPod(), cluster.namespace)
})
afterEach(() => {
  client.close()
  for (const { metadata } of cluster.store.list('jobs', cluster.namespace)) drop(metadata.name)
})

describe('the way to a cluster', () => {
  const list = async (access: ClusterAccess) => {
    const found = connectKubernetes(access, access.namespace ?? '')
    onTestFinished(() => found.close())
    return found.json<{ kind: string }>({ method: 'GET', resource: jobs }, signal)
  }

  it('is that of the pod’s account, or of a kubeconfig', async () => {
    for (const kubeconfig of [null, cluster.kubeconfig]) {
      const { host, port } = { host: '127.0.0.1', port: new URL(cluster.url).port }
      const access = await openClusterAccess({
        kubeconfig,
        service: { host, port },
        account: cluster.account,
      })
      expect(access).toMatchObject({ url: cluster.url, namespace: cluster.namespace })
      expect(await list(access)).toMatchObject({ kind: 'JobList' })
    }
  })

  it('goes on with a new token', async () => {
    const access = await openClusterAccess({
      kubeconfig: cluster.kubeconfig,
      service: null,
      account: '',
    })
    expect(await list(access)).toMatchObject({ kind: 'JobList' })
    await cluster.rotateToken()
    expect(await list(access)).toMatchObject({ kind: 'JobList' })
    expect(await client.json({ method: 'GET', resource: jobs }, signal)).toMatchObject({
      kind: 'JobList',
    })
    await cluster.rotateToken()
    expect(await client.json({ method: 'GET', resource: jobs }, signal)).toMatchObject({
      kind: 'JobList',
    })
  })

  it('is none outside of a cluster', async () => {
    const nowhere = { kubeconfig: null, service: null, account: folder }
    await expect(openClusterAccess(nowhere)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('set KUBECONFIG'),
    })
    await expect(
      openClusterAccess({ ...nowhere, service: { host: '::1', port: '1' } }),
    ).rejects.toMatchObject({ message: expect.stringContaining('no namespace') })
  })

  it('is not taken without TLS, with a strange authority, or with what would be run for a login', async () => {
    const use = async (over: { cluster?: object; user?: object; context?: object }) => {
      const path = join(folder, 'config')
      const file = {
        'current-context': 'a',
        contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', ...over.context } }],
        clusters: [{ name: 'a', cluster: { server: cluster.url, ...over.cluster } }],
        users: [{ name: 'a', user: { token: 'correct-horse', ...over.user } }],
      }
      await writeFile(path, JSON.stringify(file))
      return openClusterAccess({ kubeconfig: path, service: null, account: '' })
    }
    const refusals: [object, RegExp][] = [
      [{ cluster: { server: 'http://cluster.test' } }, /without TLS/],
      [{ cluster: { server: 'nonsense' } }, /no address/],
      [{ cluster: { 'insecure-skip-tls-verify': true } }, /uses insecure-skip-tls-verify/],
      [{ cluster: { 'certificate-authority': 'gone.crt' } }, /names gone.crt/],
      [{ user: { exec: { command: 'aws' } } }, /uses exec/],
      [{ user: { username: 'a', password: 'b' } }, /uses username, password/],
      [{ context: { user: 'nobody' } }, /no user "nobody"/],
    ]
    for (const [over, message] of refusals) {
      const error = await use(over).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(message) })
      expect(String(error)).not.toContain('correct-horse')
    }
    // Nobody has vouched for its certificate.
    await expect(list(await use({}))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('certificate'),
    })
    const untrusted = await use({ cluster: { 'certificate-authority': cluster.caFile } })
    await expect(list(untrusted)).rejects.toMatchObject({ status: 401 })
  })
})

describe('requests', () => {
  it('tell a refusal with its reason', async () => {
    const get = client.json({ method: 'GET', resource: jobs, name: 'none' }, signal)
    await expect(get).rejects.toMatchObject({ status: 404, reason: 'NotFound' })
    const body = { ...job('bad'), extra: 1 }
    await expect(
      client.json({ method: 'POST', resource: jobs, body }, signal),
    ).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('unknown field "extra"'),
    })
    await expect(client.json({ method: 'GET', resource: secrets }, signal)).rejects.toMatchObject({
      status: 403,
      reason: 'Forbidden',
    })
  })

  it('are repeated as long as it is worth it, and no longer', async () => {
    let answers: (StatusError | 'cut')[] = [
      new StatusError(429, 'TooManyRequests', 'slow down', 0),
      'cut',
      new StatusError(500, 'InternalError', 'etcdserver: request timed out'),
    ]
    onTestFinished(cluster.fault(() => answers.shift() ?? null))
    const asked = { method: 'GET', resource: jobs } as const
    expect(await client.json({ ...asked, patienceMs: 20_000 }, signal)).toMatchObject({
      kind: 'JobList',
    })
    answers = [new StatusError(503, 'ServiceUnavailable', 'not now')]
    await expect(client.json(asked, signal)).rejects.toMatchObject({ status: 503 })
    answers = [new StatusError(403, 'Forbidden', 'never')]
    await expect(client.json({ ...asked, patienceMs: 20_000 }, signal)).rejects.toMatchObject({
      status: 403,
    })
  })

  it('wait for a server that is away, until nobody wants them any more', async () => {
    await cluster.stop()
    const asked = { method: 'GET', resource: jobs } as const
    await expect(client.json(asked, signal)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(client.check(signal)).rejects.toMatchObject({ code: 'unavailable' })
    const given = new AbortController()
    const waiting = client.json({ ...asked, patienceMs: 60_000 }, given.signal)
    given.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const patient = client.json({ ...asked, patienceMs: 60_000 }, signal)
    await cluster.start()
    expect(await patient).toMatchObject({ kind: 'JobList' })
    await client.check(signal)
  })

  it('end when the server does not begin to answer', async () => {
    const hold = cluster.hold('list jobs')
    onTestFinished(hold)
    await expect(
      client.json({ method: 'GET', resource: jobs, answerMs: 200 }, signal),
    ).rejects.toMatchObject({ message: expect.stringContaining('no answer within 200 ms') })
  })

  it.each([200, 500])('end when an answer %i breaks off without a word', async (status) => {
    const silent = createServer((_, answer) => {
      answer.writeHead(status, { 'content-type': 'application/json' }).write('{"items": [')
    }).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const { port } = silent.address() as AddressInfo
    const away = connectKubernetes(
      {
        url: `http://127.0.0.1:${port}`,
        namespace: null,
        credentials: async () => ({ ca: null, token: null, client: null, serverName: null }),
      },
      'any',
    )
    onTestFinished(() => away.close())
    await expect(
      away.json({ method: 'GET', resource: jobs, answerMs: 200 }, signal),
    ).rejects.toThrow(status === 200 ? 'silent for 200 ms' : 'status 500')
  })
})

describe('followed objects', () => {
  const follow = (silenceMs = 100_000) => {
    const told: string[] = []
    const stopping = new AbortController()
    const done = followObjects<KubernetesObject>(
      client,
      { resource: jobs, labels: 'of=us', silenceMs },
      {
        changed: ({ metadata }) =>
          void told.push(`${metadata.name} ${metadata.labels?.step ?? ''}`),
        gone: ({ metadata }) => void told.push(`-${metadata.name}`),
        listed: () => void told.push('listed'),
        failed: () => void told.push('failed'),
      },
      stopping.signal,
    )
    onTestFinished(async () => {
      stopping.abort()
      await done
    })
    return told
  }
  const change = (name: string, step: string) =>
    cluster.store.edit('jobs', cluster.namespace, name, ({ metadata }) => {
      metadata.labels = { ...metadata.labels, step }
    })

  it('are told as they are, and as they change, and no others', async () => {
    put('one', { of: 'us' })
    put('other')
    const told = follow()
    await expect.poll(() => told).toEqual(['one ', 'listed'])
    put('two', { of: 'us' })
    put('another')
    change('one', 'a')
    drop('two')
    await expect.poll(() => told.slice(2)).toEqual(['two ', 'one a', '-two'])
  })

  it('are more than a page', async () => {
    for (let index = 0; index < 501; index++) put(`job-${index}`, { of: 'us' })
    const told = follow()
    await expect.poll(() => told.length).toBe(502)
  })

  it('are gone on with where a connection broke off, without a new list', async () => {
    put('one', { of: 'us' })
    const told = follow()
    await expect.poll(() => told).toEqual(['one ', 'listed'])
    await expect.poll(() => cluster.asked.at(-1)).toBe('watch jobs')
    const restore = cluster.fault(({ verb }) => (verb === 'watch' ? 'cut' : null))
    cluster.cut()
    change('one', 'a')
    change('one', 'b')
    await expect.poll(() => told.includes('failed')).toBe(true)
    restore()
    await expect
      .poll(() => told.filter((each) => each !== 'failed').slice(2))
      .toEqual(['one a', 'one b'])
  })

  it('are listed again where the version is too old, and only what is new is told', async () => {
    put('one', { of: 'us' })
    put('two', { of: 'us' })
    const told = follow()
    await expect.poll(() => told).toHaveLength(3)
    await expect.poll(() => cluster.asked.at(-1)).toBe('watch jobs')
    const restore = cluster.fault(({ verb }) => (verb === 'watch' ? 'cut' : null))
    cluster.cut()
    drop('one')
    put('three', { of: 'us' })
    cluster.store.compact()
    restore()
    await expect
      .poll(() => told.filter((each) => each !== 'failed').slice(3))
      .toEqual(['three ', '-one', 'listed'])
    change('two', 'a')
    await expect.poll(() => told.at(-1)).toBe('two a')
  })

  it('are asked for anew where a connection has fallen silent', async () => {
    put('one', { of: 'us' })
    const told = follow(1_000)
    await expect.poll(() => told).toEqual(['one ', 'listed'])
    await expect.poll(() => cluster.asked.at(-1)).toBe('watch jobs')
    cluster.silence()
    change('one', 'a')
    await expect.poll(() => told.at(-1)).toBe('one a')
  })
})
