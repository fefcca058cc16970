import type { Kysely } from 'kysely'
import { countOldBuilds } from '../builds/index.ts'
import type { Config } from '../config/read-config.ts'
import type { Tables } from '../db/tables.gen.ts'
import { countOldEvents } from '../events/index.ts'
import { countOldJobs } from '../jobs/index.ts'
import type { ConfiguredTimes, CountRemovals, Kind, RetentionDeps } from '../retention/index.ts'
import { countOldDelegationLogs, countOldDelegations } from '../runners/index.ts'
import { countOldLogs, countOldRuns, type LogRetention } from '../runs/index.ts'

const dayMs = 86_400_000

type RetentionConfig = Pick<Config, 'retention' | 'retentionOfFile' | 's3' | 'environments'>

/** What `slipway.yaml` says, and what it keeps the API from changing. */
export function configuredTimes({
  retention,
  retentionOfFile,
  s3,
}: Pick<Config, 'retention' | 'retentionOfFile' | 's3'>): ConfiguredTimes {
  const { runsMs: runs, logsMs: logs, jobsMs: jobs, eventsMs: events } = retention
  const ofFile = retentionOfFile.map((kind) => [kind, 'file'] as const)
  const fixed: Partial<Record<Kind, 'file' | 'bucket'>> = Object.fromEntries(ofFile)
  return {
    keptMs: { runs, logs, jobs, events },
    fixed: s3 === null ? fixed : { runs: 'bucket', ...fixed },
  }
}

/** For how long logs are kept, by what was deployed where. */
export function logRetention(
  { environments }: Pick<Config, 'environments'>,
  undeployedMs: number,
): LogRetention {
  return {
    undeployedMs,
    environments: environments.map(({ name, logRetentionDays }) => ({
      name,
      keptMs: logRetentionDays * dayMs,
    })),
  }
}

/** For how long things are kept, and what would go. */
export function openRetention(config: RetentionConfig, db: Kysely<Tables>): RetentionDeps {
  const { environments } = config
  return {
    db,
    configured: configuredTimes(config),
    environments,
    countRemovals: countRemovals(config, db),
  }
}

function countRemovals(config: RetentionConfig, db: Kysely<Tables>): CountRemovals {
  return async (kind, keptMs) => {
    const now = new Date()
    const before = new Date(now.getTime() - keptMs)
    if (kind === 'events') {
      return [{ what: 'events', rows: await countOldEvents({ db }, { before }) }]
    }
    if (kind === 'jobs') {
      const retentionDays = Math.ceil(keptMs / dayMs)
      return [{ what: 'jobs of the history', rows: await countOldJobs({ db }, { retentionDays }) }]
    }
    if (kind === 'logs') {
      const retention = logRetention(config, keptMs)
      return [
        { what: 'logs of runs', rows: await countOldLogs({ db }, { retention, now }) },
        {
          what: 'logs of delegated jobs',
          rows: await countOldDelegationLogs({ db }, { before }),
        },
      ]
    }
    return [
      { what: 'runs', rows: await countOldRuns({ db }, { before }) },
      { what: 'builds', rows: await countOldBuilds({ db }, { before }) },
      { what: 'delegated jobs', rows: await countOldDelegations({ db }, { before }) },
    ]
  }
}
