import { sql } from 'kysely'
import { delegationFigures, figureBuckets } from '../runners/index.ts'
import { mostCounted, type StoreStatement } from './store-statement.ts'

/** Delegated jobs and runners. What is counted for ever goes on over restarts, and when jobs are deleted. */
export const delegationStatements: readonly StoreStatement[] = [
  {
    name: 'delegations',
    gauges: {
      ended: {
        name: 'github_runnerhub_jobs_total',
        help: 'Total number of jobs processed',
        labelNames: ['status'],
        isCounter: true,
      },
      duration: {
        name: 'github_runnerhub_job_duration_seconds',
        help: 'Job execution duration',
        labelNames: [],
        buckets: figureBuckets.duration,
      },
      queue: {
        name: 'slipway_runner_queue_seconds',
        help: 'From when GitHub queued a job until it got a place in its class.',
        labelNames: ['class'],
        buckets: figureBuckets.queue,
      },
      start: {
        name: 'slipway_runner_start_seconds',
        help: 'From when a job got a place until its container ran.',
        labelNames: ['class'],
        buckets: figureBuckets.start,
      },
    },
    statement: sql`
      select figure as gauge, count as value, bucket, sum,
             case figure when 'ended' then json_build_object('status', label)
                         when 'duration' then '{}'::json
                         else json_build_object('class', coalesce(nullif(label, ''), 'none')) end as labels
      from (${delegationFigures(mostCounted)}) as figures
      union all
      select 'ended', 0, null, null, json_build_object('status', status)
      from (values ('completed'), ('failed'), ('cancelled')) as known (status)`,
  },
  {
    name: 'runners',
    gauges: {
      queued: {
        name: 'slipway_runner_queue_depth',
        help: 'Delegated jobs that wait for a place in their class; none: no class serves them.',
        labelNames: ['class'],
      },
      active: {
        name: 'slipway_runners_active',
        help: 'Delegated jobs that have a place in their class, with a container or about to have one.',
        labelNames: ['class'],
      },
      runners: {
        name: 'slipway_runners',
        help: 'Runners that are known.',
        labelNames: ['type', 'status'],
      },
    },
    statement: sql`
      select case status when 'queued' then 'queued' else 'active' end as gauge,
             json_build_object('class', coalesce(class, 'none')) as labels, count(*)::float8 as value
      from (
        select class, case status when 'queued' then status else 'active' end as status
        from delegations where status in ('queued', 'assigned', 'running') limit ${mostCounted}
      ) as unfinished
      group by class, status
      union all
      select 'runners', json_build_object('type', type, 'status', status), count(*)::float8
      from (select type, status from runners limit ${mostCounted}) as known
      group by type, status`,
  },
]
