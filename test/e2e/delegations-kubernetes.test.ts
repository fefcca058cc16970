// Jobs delegated by HTTP to pods of a cluster, by a real server; a real engine runs what is in the pods.
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type DelegationPlace, startDelegationPlace } from '../support/delegations.ts'
import { startWorkingCluster, type WorkingCluster } from '../support/kubernetes/working-cluster.ts'

vi.setConfig({ testTimeout: 120_000 })

let place: DelegationPlace
let cluster: WorkingCluster
const pods = { executor: 'kubernetes', kubernetes: { runAs: '1000' } }
beforeAll(async () => {
  place = await startDelegationPlace(
    [
      { name: 'pod', ...pods },
      { name: 'outward', ...pods, network: 'internet' },
      { name: 'small', ...pods, limits: { memory: '32MiB' } },
      { name: 'brief', ...pods, limits: { timeout: '3s' } },
      { name: 'one', ...pods, maxRunners: 1 },
      { name: 'gone', ...pods, image: 'no/such-image:1' },
      { name: 'rootless', ...pods, kubernetes: {} },
      {
        name: 'nowhere',
        ...pods,
        kubernetes: { runAs: '1000', nodeSelector: { pool: 'none' }, startTimeout: '2s' },
      },
      { name: 'engine' },
    ],
    async (dockerd) => {
      cluster = await startWorkingCluster(dockerd)
      return { KUBECONFIG: cluster.kubeconfig }
    },
  )
})
afterAll(async () => {
  await place?.close()
  await cluster?.close()
})

const list = (plural: string) => cluster.store.list(plural, cluster.namespace)
afterEach(async () => {
  await expect
    .poll(() => ['jobs', 'pods', 'secrets'].flatMap(list), { timeout: 30_000 })
    .toEqual([])
})

it('runs a job in a pod of its own, told of its job, and leaves nothing', async () => {
  const script = 'echo "$GITHUB_REPOSITORY $GITHUB_RUN_ID"; echo err >&2; id -u; sleep 2; exit 3'
  const id = await place.delegate(script, ['pod', 'self-hosted'])
  await place.until(id, ({ status }) => status === 'running')
  const [pod] = list('pods')
  const text = JSON.stringify([pod, list('jobs')])
  expect(text).not.toContain('owner/repo')
  expect(text).not.toContain('789012')
  expect(pod?.spec).toMatchObject({
    automountServiceAccountToken: false,
    restartPolicy: 'Never',
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    ],
  })
  const job = await place.ended(id)
  expect(job).toMatchObject({ status: 'failed', exitCode: 3, metadata: { reason: null } })
  expect(job.containerId).toMatch(/^kubernetes:slipway-job-/)
  expect(await place.lines(id)).toEqual(['owner/repo 789012', 'err', '1000'])
  const other = await place.delegate('printf last', ['outward'])
  expect(await place.ended(other)).toMatchObject({ status: 'completed', exitCode: 0 })
  expect(await place.lines(other)).toEqual(['last'])
  const authorization = `Bearer ${place.server.token}`
  const answer = await fetch(`${place.server.url}/metrics`, { headers: { authorization } })
  const figures = await answer.text()
  expect(figures).toMatch(/^slipway_runner_start_seconds_count\{class="pod"\} 1$/m)
  expect(figures).toMatch(/^slipway_runner_start_seconds_count\{class="outward"\} 1$/m)
})

it('ends a cancelled job', async () => {
  const id = await place.delegate('echo one; sleep 300', ['pod'])
  await place.until(id, ({ status }) => status === 'running')
  await expect.poll(() => place.lines(id)).toEqual(['one'])
  await place.server.json('POST', `/api/jobs/${id}/cancel`, { expect: 200 })
  expect(await place.ended(id)).toMatchObject({ status: 'cancelled' })
})

it.each([
  ['out of memory', 'small', 'dd if=/dev/zero of=/dev/null bs=200M count=1', 137],
  ['timeout', 'brief', 'echo up; sleep 300', 143],
])('says of a job that it ended by %s', async (reason, label, script, exitCode) => {
  const id = await place.delegate(script, [label])
  expect(await place.ended(id)).toMatchObject({ status: 'failed', exitCode, metadata: { reason } })
})

it.each([
  ['no such image', 'gone', 'no/such-image:1'],
  ['no node', 'nowhere', 'No node takes it'],
  ['an image of root’s', 'rootless', 'runAsNonRoot'],
])('says why a job did not start: %s', async (_, label, said) => {
  const id = await place.delegate('true', [label])
  expect(await place.ended(id)).toMatchObject({
    status: 'failed',
    startedAt: null,
    exitCode: null,
    metadata: { reason: expect.stringContaining(said) },
  })
})

it('says that a node threw a job out', async () => {
  const id = await place.delegate('echo up; sleep 300', ['pod'])
  await expect.poll(() => place.lines(id).catch(() => [])).toEqual(['up'])
  cluster.node.evict(list('pods')[0]?.metadata.name ?? '')
  expect(await place.ended(id)).toMatchObject({
    status: 'failed',
    metadata: { reason: expect.stringContaining('Evicted from node') },
  })
})

it('goes on with a job after a restart of the server, and hears of what ended meanwhile', async () => {
  const counting = 'i=1; while [ $i -le 60 ]; do echo $i; i=$((i+1)); sleep 0.1; done; exit 5'
  const id = await place.delegate(counting, ['pod'])
  const brief = await place.delegate('echo up; sleep 2; echo over', ['outward'])
  for (const each of [id, brief])
    await expect.poll(() => place.lines(each).catch(() => [])).not.toEqual([])
  const uids = list('pods').map(({ metadata }) => metadata.uid)
  await place.server.kill()
  await expect
    .poll(() => list('pods').some(({ status }) => status?.phase === 'Succeeded'), {
      timeout: 20_000,
    })
    .toBe(true)
  await place.server.restart()
  expect(await place.ended(brief)).toMatchObject({ status: 'completed', exitCode: 0 })
  expect(await place.lines(brief)).toEqual(['up', 'over'])
  expect(uids).toEqual(expect.arrayContaining(list('pods').map(({ metadata }) => metadata.uid)))
  expect(await place.ended(id)).toMatchObject({ status: 'failed', exitCode: 5 })
  expect(await place.lines(id)).toEqual(Array.from({ length: 60 }, (_, n) => String(n + 1)))
})

it('says where output is missing that its node threw away while no server was there', async () => {
  const counting = 'i=1; while [ $i -le 80 ]; do echo $i; i=$((i+1)); sleep 0.1; done'
  const id = await place.delegate(counting, ['pod'])
  await expect.poll(() => place.lines(id).catch(() => [])).toContain('3')
  await place.server.kill()
  const name = list('pods')[0]?.metadata.name ?? ''
  const before = (await cluster.node.logOf(name)).split('\n').length
  await expect
    .poll(async () => (await cluster.node.logOf(name)).split('\n').length, { timeout: 20_000 })
    .toBeGreaterThan(before + 5)
  cluster.node.rotateLog(name)
  await place.server.restart()
  expect(await place.ended(id)).toMatchObject({ status: 'completed', exitCode: 0 })
  const lines = await place.lines(id)
  const gap = lines.findIndex((line) => line.includes('some output is missing here'))
  const numbers = lines.toSpliced(gap, 1).map(Number)
  expect(gap).toBeGreaterThanOrEqual(3)
  expect(numbers.slice(0, gap)).toEqual(Array.from({ length: gap }, (_, n) => n + 1))
  expect(numbers[gap]).toBeGreaterThan(gap + 5)
  const [first = 0] = numbers.slice(gap)
  expect(numbers.slice(gap)).toEqual(Array.from({ length: 81 - first }, (_, n) => first + n))
})

it('runs no more at once than its class has, and removes what nobody knows', async () => {
  const ids = await Promise.all([1, 2, 3].map(() => place.delegate('sleep 1', ['one'])))
  let most = 0
  while (
    !(await Promise.all(ids.map((id) => place.get(id)))).every(
      ({ status }) => status === 'completed',
    )
  ) {
    // One that has ended may be there still when its place is the next one's.
    const running = list('pods').filter(({ status }) => status?.phase === 'Running')
    most = Math.max(most, running.length)
  }
  expect(most).toBe(1)
})

it('leaves jobs of the engine alone while the cluster is away, and says so in health', async () => {
  await cluster.stop()
  const id = await place.delegate('echo engine', ['engine'])
  expect(await place.ended(id)).toMatchObject({ status: 'completed' })
  const { status, body } = await health()
  expect([status, body.checks['executor']]).toEqual([503, 'fail'])
  await cluster.start()
  await expect.poll(async () => (await health()).status, { timeout: 20_000 }).toBe(200)
})

it('refuses a job of hooks, and says why', async () => {
  const answer = await place.server.json<{ error: string }>('POST', '/api/jobs/delegate', {
    body: {
      jobId: '1',
      runId: '2',
      repository: 'owner/repo',
      labels: ['pod'],
      container: { image: 'shell:1' },
    },
    expect: 400,
  })
  expect(answer.error).toContain('jobs of proxy runners need a Docker engine')
})

it('goes on with jobs of classes that left the file, and removes what is left of them', async () => {
  const id = await place.delegate('echo up; sleep 6; echo over', ['pod'])
  await expect.poll(() => place.lines(id).catch(() => [])).toEqual(['up'])
  const [job] = list('jobs')
  if (job === undefined) throw new Error('a job without a Job')
  const left = 'slipway-job-00000000-0000-4000-8000-000000000000'
  const labels = { ...job.metadata.labels, 'slipway.dev/container': left }
  cluster.store.create('jobs', cluster.namespace, {
    ...job,
    metadata: { ...job.metadata, name: left, labels },
    spec: { ...job.spec, suspend: true },
  })
  expect(list('jobs')).toHaveLength(2)
  await place.server.kill()
  await place.configure([{ name: 'engine' }])
  await place.server.restart()
  expect(await place.ended(id)).toMatchObject({ status: 'completed', exitCode: 0 })
  expect(await place.lines(id)).toEqual(['up', 'over'])
  await expect.poll(() => list('jobs'), { timeout: 20_000 }).toEqual([])
  await cluster.stop()
  const other = await place.delegate('echo engine', ['engine'])
  expect(await place.ended(other)).toMatchObject({ status: 'completed' })
  expect((await health()).body.checks['executor']).not.toBe('fail')
  await cluster.start()
})

async function health() {
  const answer = await fetch(`${place.server.url}/health`)
  return {
    status: answer.status,
    body: (await answer.json()) as { checks: Record<string, string> },
  }
}
