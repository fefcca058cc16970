// npm run bench [-- name … | --distributed]: one JSON object; each figure beside its floor of the same run.
import { cpus } from 'node:os'
import { benchBuildSockets } from './build-sockets.ts'
import { benchBuilds } from './builds.ts'
import { benchBranding } from './branding.ts'
import { benchDashboard } from './dashboard.ts'
import { benchDeployments } from './deployments.ts'
import { benchDistributed } from './distributed.ts'
import { benchEvents } from './events.ts'
import { benchImageBuilds } from './image-builds.ts'
import { benchJobs } from './jobs.ts'
import { benchJobSockets } from './job-sockets.ts'
import { benchLogs } from './logs.ts'
import { benchMonitorWebhooks } from './monitor-webhooks.ts'
import { benchPipelines } from './pipelines.ts'
import { benchReleases } from './releases.ts'
import { benchRunList } from './run-list.ts'
import { benchRunners } from './runners.ts'
import { benchRuns } from './runs.ts'
import { benchStart } from './start.ts'
import { benchStatusSockets } from './status-sockets.ts'
import { benchWebhooks } from './webhooks.ts'
import { withDatabase } from './with-database.ts'

const benchmarks: Record<string, () => Promise<object>> = {
  start: benchStart,
  branding: benchBranding,
  runs: benchRuns,
  jobs: () => withDatabase(benchJobs),
  releases: () => withDatabase(benchReleases),
  runList: () => withDatabase(benchRunList),
  logs: benchLogs,
  events: () => withDatabase(benchEvents),
  deployments: () => withDatabase(benchDeployments),
  statusSockets: () => withDatabase(benchStatusSockets),
  builds: benchBuilds,
  buildSockets: () => withDatabase(benchBuildSockets),
  imageBuilds: benchImageBuilds,
  runners: benchRunners,
  jobSockets: () => withDatabase(benchJobSockets),
  webhooks: () => withDatabase(benchWebhooks),
  monitorWebhooks: () => withDatabase(benchMonitorWebhooks),
  pipelines: () => withDatabase(benchPipelines),
  dashboard: benchDashboard,
  distributed: () => withDatabase(benchDistributed),
}

const wanted = process.argv.slice(2).map((name) => name.replace(/^--/, ''))
const unknown = wanted.filter((name) => !Object.hasOwn(benchmarks, name))
if (unknown.length > 0) {
  console.error(
    `There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}.`,
  )
  process.exitCode = 2
} else {
  const results: Record<string, object> = {}
  for (const [name, run] of Object.entries(benchmarks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    console.error(`measuring ${name} …`)
    results[name] = await run()
  }
  const { length: cores } = cpus()
  console.log(JSON.stringify({ node: process.version, cores, ...results }, null, 2))
}
