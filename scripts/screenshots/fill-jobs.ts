import type { SlipwayClient } from '@slipway/sdk'
import type { People } from './hire-people.ts'
import { until } from './until.ts'

const commit = '8c4f1d2a90be37c65512a08de4b7f3c9016d5e2b'

interface Job {
  repository: string
  workflow: string
  job: string
  labels: string[]
}

const onMac = { repository: 'kestrel/mobile', workflow: 'iOS', labels: ['macos', 'arm64'] }
const onLinux = { repository: 'kestrel/storefront', workflow: 'Browser tests' }
const ends = [
  { job: 'unit tests', status: 'completed' },
  { job: 'archive', status: 'completed' },
  { job: 'screens', status: 'failed' },
  { job: 'unit tests', status: 'completed' },
  { job: 'upload to TestFlight', status: 'completed' },
  { job: 'screens', status: 'cancelled' },
  { job: 'unit tests', status: 'completed' },
] as const

/** Jobs of GitHub Actions that ran on machines which report for themselves. */
export async function endJobs({ admin, macs }: People): Promise<void> {
  for (const { job, status } of ends) {
    const id = await delegate(admin, { ...onMac, job })
    await macs.jobs.report(id, { status: 'running', runnerId: 'mac-mini-01' })
    await macs.jobs.report(id, {
      status,
      ...(status === 'cancelled' ? {} : { exitCode: status === 'failed' ? 65 : 0 }),
      ...(status === 'failed' ? { reason: 'xcodebuild ended with 65' } : {}),
    })
  }
}

/** Some that run now, and some that wait for a container. */
export async function beginJobs({ admin, macs }: People): Promise<void> {
  await admin.runners.register('proxy-berlin', { labels: ['self-hosted', 'linux', 'x64'] })
  const labels = ['self-hosted', 'macos', 'arm64']
  await admin.runners.register('mac-mini-01', { labels, status: 'idle' })
  await admin.runners.register('mac-mini-02', {
    repository: 'kestrel/mobile',
    labels,
    status: 'busy',
  })
  const running = await delegate(admin, { ...onMac, job: 'archive' })
  await macs.jobs.report(running, { status: 'running', runnerId: 'mac-mini-02' })
  await delegate(admin, { ...onMac, job: 'unit tests' })
  for (const job of ['chromium', 'firefox']) {
    await delegate(admin, { ...onLinux, job, labels: ['linux', 'x64'] })
  }
  const large = await delegate(admin, {
    ...onLinux,
    job: 'load',
    labels: ['linux', 'x64', 'large'],
  })
  await until('the dispatch of jobs', async () => (await admin.jobs.get(large)).status !== 'queued')
}

let count = 51_200_000_000

async function delegate(admin: SlipwayClient, of: Job): Promise<string> {
  count += 7_919
  const { delegationId } = await admin.jobs.delegate({
    jobId: String(count),
    jobName: of.job,
    runId: String(17_400_000_000 + (count % 100_000)),
    repository: of.repository,
    workflow: of.workflow,
    labels: ['self-hosted', ...of.labels],
    sha: commit,
    ref: 'refs/heads/main',
    runnerName: of.labels[0] === 'macos' ? 'mac-mini-02' : 'proxy-berlin',
  })
  return delegationId
}
