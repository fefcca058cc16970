// Jobs delegated by HTTP to containers of a real engine, by a real server.
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type DelegationPlace, nothing, startDelegationPlace } from '../support/delegations.ts'

// Twenty containers at once take their time where others work, too.
vi.setConfig({ testTimeout: 120_000 })

let place: DelegationPlace
beforeAll(async () => {
  place = await startDelegationPlace(
    [
      { name: 'shell' },
      { name: 'net', network: 'bridge' },
      { name: 'small', limits: { memory: '32MiB', pids: 32 } },
      { name: 'brief', limits: { timeout: '2s' } },
      { name: 'narrow', limits: { disk: '3MiB' } },
      { name: 'gone', image: 'no/such-image:1' },
      { name: 'runner', command: undefined },
    ],
    { SLIPWAY_STEP_OUTPUT_LIMIT: '4MiB' },
  )
})
afterAll(() => place?.close())
afterEach(async () => {
  await expect.poll(() => place.left(), { timeout: 20_000 }).toEqual(nothing)
})

it('runs a job in a container of its own, which is gone afterwards', async () => {
  const script = 'echo "$GITHUB_REPOSITORY $GITHUB_RUN_ID"; echo err >&2; hostname; exit 1'
  const id = await place.delegate(script, ['net', 'self-hosted'])
  const job = await place.ended(id)
  expect(job).toMatchObject({
    status: 'failed',
    exitCode: 1,
    metadata: { reason: null, attempt: 1 },
  })
  const [first, second, host] = await place.lines(id)
  expect([first, second]).toEqual(['owner/repo 789012', 'err'])
  expect(job.containerId?.startsWith(host ?? 'none')).toBe(true)
  expect(Date.parse(job.startedAt ?? '')).toBeLessThanOrEqual(Date.parse(job.completedAt ?? ''))
  expect(job.metadata.queueMs).toBeGreaterThan(0)
})

it('tells what a job prints while it runs', async () => {
  const id = await place.delegate('echo one; sleep 300')
  await place.until(id, ({ status }) => status === 'running')
  await expect.poll(() => place.lines(id)).toEqual(['one'])
  await place.server.json('POST', `/api/jobs/${id}/cancel`, { expect: 200 })
  expect(await place.ended(id)).toMatchObject({ status: 'cancelled' })
  await expect.poll(() => place.lines(id)).toEqual(['one', 'The job was cancelled'])
})

it('completes a job that succeeds, though it ends without a newline', async () => {
  const id = await place.delegate('printf last')
  expect(await place.ended(id)).toMatchObject({ status: 'completed', exitCode: 0 })
  expect(await place.lines(id)).toEqual(['last'])
})

it.each([
  [
    'needs too much memory',
    'small',
    'dd if=/dev/zero of=/dev/null bs=200M count=1',
    'out of memory',
    137,
  ],
  ['takes too long', 'brief', 'echo up; sleep 300', 'timeout', 143],
  ['prints too much', 'shell', 'yes "$(printf %4000d 7)"', 'more output than 4 MiB', 143],
  [
    'writes too much',
    'narrow',
    'head -c 5000000 /dev/zero >/file; sleep 300',
    'more than 3 MiB written',
    null,
  ],
])('ends a job that %s, and says why', async (_, label, script, reason, exitCode) => {
  const id = await place.delegate(script, [label])
  const job = await place.until(id, ({ status }) => status === 'failed')
  expect(job.metadata.reason).toContain(reason)
  if (exitCode !== null) expect(job.exitCode).toBe(exitCode)
  const lines = await place.lines(id)
  expect(lines.at(-1)).toContain(`The job failed: ${reason}`)
})

it('holds a fork bomb in its container', async () => {
  const id = await place.delegate('bomb() { bomb | bomb & }; bomb; sleep 2; echo over', ['small'])
  await place.ended(id)
  const other = await place.delegate('echo fine')
  expect(await place.ended(other)).toMatchObject({ status: 'completed' })
})

it('says of an image that is missing that it is', async () => {
  const id = await place.delegate('true', ['gone'])
  expect(await place.ended(id)).toMatchObject({
    status: 'failed',
    startedAt: null,
    exitCode: null,
    metadata: { reason: expect.stringContaining('no/such-image:1') },
  })
  expect((await place.lines(id)).at(-1)).toContain('no/such-image:1')
})

it('keeps what a job prints line by line, however long', async () => {
  const id = await place.delegate(
    'i=0; while [ $i -lt 30000 ]; do echo "line $i"; i=$((i+1)); done',
  )
  expect(await place.ended(id)).toMatchObject({ status: 'completed' })
  expect(await place.lines(id)).toEqual(Array.from({ length: 30_000 }, (_, n) => `line ${n}`))
})

it('does many jobs at once, and each by itself', async () => {
  const ids = await Promise.all(
    Array.from({ length: 12 }, (_, n) => place.delegate(`echo ${n}; exit ${n % 3}`, ['net'])),
  )
  for (const [n, id] of ids.entries()) {
    expect(await place.ended(id)).toMatchObject({
      status: n % 3 === 0 ? 'completed' : 'failed',
      exitCode: n % 3,
    })
    expect(await place.lines(id)).toEqual([String(n)])
  }
})
