import { JobType } from '@slipway/contract/jobs'
import { sql } from 'kysely'
import { delegationStatements } from './delegation-statements.ts'
import { mostCounted, type StoreStatement } from './store-statement.ts'

const mostWorkers = 200
const mostLeases = 1_000

/** Every statement reads a bounded stretch of an index, whatever the tables hold. */
export const storeStatements: readonly StoreStatement[] = [
  {
    name: 'jobs',
    gauges: {
      queued: {
        name: 'slipway_jobs_queued',
        help: 'Jobs that wait, also for their time.',
        labelNames: ['type'],
      },
      oldest: {
        name: 'slipway_jobs_oldest_seconds',
        help: 'For how long the first of the jobs that are due has waited; 0 where none is.',
        labelNames: ['type'],
      },
      running: {
        name: 'slipway_jobs_running',
        help: 'Jobs that workers have in hand.',
        labelNames: ['type'],
      },
    },
    statement: sql`
      with types as (
        select type,
               (select count(*) from (
                  select from jobs where state = 'queued' and jobs.type = types.type
                  limit ${mostCounted}
                ) as waiting) as queued,
               (select extract(epoch from now() - min(run_at)) from jobs
                where state = 'queued' and jobs.type = types.type and run_at <= now()) as oldest
        from unnest(${JobType.enum}::text[]) as types (type)
      )
      select 'queued' as gauge, json_build_object('type', type) as labels, queued::float8 as value
      from types
      union all
      select 'oldest', json_build_object('type', type), coalesce(oldest, 0)::float8 from types
      union all
      select 'running', json_build_object('type', type), (
        select count(*) from (
          select type from jobs where state = 'running' and worker_id is not null limit ${mostCounted}
        ) as held where held.type = types.type
      )::float8 from types`,
  },
  {
    name: 'workers',
    gauges: {
      capacity: {
        name: 'slipway_worker_capacity',
        help: 'Jobs that the workers of a machine take at once.',
        labelNames: ['worker'],
      },
      active: {
        name: 'slipway_worker_active',
        help: 'Jobs that the workers of a machine have in hand.',
        labelNames: ['worker'],
      },
      workers: {
        name: 'slipway_workers',
        help: 'Workers that are alive: servers, and workers of machines of their own.',
        labelNames: [],
      },
      seen: {
        name: 'slipway_worker_last_seen_seconds',
        help: 'For how long the workers of a machine have said nothing; after 90 they are taken for lost.',
        labelNames: ['worker'],
      },
    },
    statement: sql`
      with alive as (
        select id, name, capacity, last_seen_at,
               (select count(*) from jobs
                where state = 'running' and worker_id is not null and worker_id = workers.id) as active
        from workers where last_seen_at > now() - interval '90 s'
        order by last_seen_at desc limit ${mostWorkers}
      ), machines as (
        select json_build_object('worker', name) as labels, sum(capacity)::float8 as capacity,
               sum(active)::float8 as active, count(*)::float8 as workers,
               extract(epoch from now() - min(last_seen_at))::float8 as seen
        from alive group by name
      )
      select 'capacity' as gauge, labels, capacity as value from machines
      union all
      select 'active', labels, active from machines
      union all
      select 'seen', labels, greatest(0, seen) from machines
      union all
      select 'workers', '{}', coalesce(sum(workers), 0) from machines`,
  },
  {
    name: 'runs',
    gauges: {
      active: {
        name: 'slipway_runs_active',
        help: 'Runs that have not ended.',
        labelNames: ['status'],
      },
    },
    statement: sql`
      select 'active' as gauge, json_build_object('status', known.status) as labels,
             count(active.status)::float8 as value
      from (values ('pending'), ('running')) as known (status)
      left join (
        select status from runs where status in ('pending', 'running') limit ${mostCounted}
      ) as active on active.status = known.status
      group by known.status`,
  },
  {
    name: 'deployments',
    gauges: {
      deployments: {
        name: 'slipway_deployments',
        help: 'Deployments that nothing has followed, by state; failed ones may still become active.',
        labelNames: ['environment', 'status'],
      },
      pending: {
        name: 'slipway_deployment_pending_seconds',
        help: 'For how long the oldest deployment has waited to become active that has not failed so far.',
        labelNames: ['environment'],
      },
    },
    statement: sql`
      select 'deployments' as gauge, count(*)::float8 as value,
             json_build_object('environment', environment, 'status', status) as labels
      from (
        (select environment, status from deployments where status = 'active' limit ${mostCounted})
        union all
        (select environment, case when failed_at is null then 'pending' else 'failed' end
         from deployments where status in ('preparing', 'pending') limit ${mostCounted})
      ) as current
      group by environment, status
      union all
      select 'pending', extract(epoch from now() - min(coalesce(deployed_at, created_at)))::float8,
             json_build_object('environment', environment)
      from (
        select environment, deployed_at, created_at from deployments
        where status = 'pending' and failed_at is null limit ${mostCounted}
      ) as waiting
      group by environment`,
  },
  {
    name: 'deliveries',
    gauges: {
      webhooks: {
        name: 'slipway_webhook_deliveries_outstanding',
        help: 'Deliveries to webhooks that have neither been made nor given up.',
        labelNames: [],
      },
      github: {
        name: 'slipway_github_deliveries_outstanding',
        help: "Deliveries of GitHub's webhook that have not been acted on.",
        labelNames: [],
      },
    },
    statement: sql`
      select 'webhooks' as gauge, '{}'::json as labels, (
        select count(*) from (
          select from webhook_deliveries where status = 'pending' limit ${mostCounted}
        ) as outstanding
      )::float8 as value
      union all
      select 'github', '{}', (
        select count(*) from (
          select from github_deliveries where status = 'pending' limit ${mostCounted}
        ) as outstanding
      )::float8`,
  },
  {
    name: 'events',
    gauges: {
      lag: {
        name: 'slipway_events_lag',
        help: 'Events that a reader of the outbox has yet to deal with.',
        labelNames: ['consumer'],
      },
      unnumbered: {
        name: 'slipway_events_unnumbered',
        help: 'Events that are committed and that nobody has been told of.',
        labelNames: [],
      },
      oldest: {
        name: 'slipway_events_unnumbered_seconds',
        help: 'For how long the oldest of them has waited; 0 where there is none.',
        labelNames: [],
      },
    },
    statement: sql`
      select 'lag' as gauge, json_build_object('consumer', name) as labels,
             greatest(0, last - seq)::float8 as value
      from event_consumers, event_sequence
      union all
      select 'unnumbered', '{}', (
        select count(*) from (select from events where seq is null limit ${mostCounted}) as waiting
      )::float8
      union all
      select 'oldest', '{}', coalesce((
        select greatest(0, extract(epoch from now() - occurred_at)) from events
        where seq is null order by id limit 1
      ), 0)::float8`,
  },
  {
    name: 'repositories',
    gauges: {
      monitored: {
        name: 'slipway_monitored_repositories',
        help: 'Repositories whose GitHub Actions are watched.',
        labelNames: [],
      },
      age: {
        name: 'slipway_github_poll_age_seconds',
        help: 'For how long the repository that was polled longest ago has not been.',
        labelNames: [],
      },
    },
    statement: sql`
      with watched as (
        select count(*)::float8 as monitored,
               extract(epoch from now() - min(coalesce(polled_at, created_at)))::float8 as age
        from monitored_repositories where lost_at is null and source <> 'read'
      )
      select 'monitored' as gauge, '{}'::json as labels, monitored as value from watched
      union all
      select 'age', '{}', age from watched where monitored > 0`,
  },
  {
    name: 'duties',
    gauges: {
      duties: {
        name: 'slipway_duties_held',
        help: 'What one server at a time must do, by who does it; 0 for `none`: nobody does.',
        labelNames: ['duty', 'worker'],
      },
    },
    statement: sql`
      select 'duties' as gauge, count(*) filter (where is_held)::float8 as value,
             json_build_object('duty', duty, 'worker', worker) as labels
      from (
        select regexp_replace(leases.name, ' of [0-9a-f-]{36}$', '') as duty,
               leases.expires_at > now() as is_held,
               case when leases.expires_at > now() then coalesce(workers.name, 'unknown')
                    else 'none' end as worker
        from (select * from leases limit ${mostLeases}) as leases
        left join workers on workers.id = leases.holder
      ) as known
      group by duty, worker`,
  },
  {
    name: 'tokens',
    gauges: {
      expiry: {
        name: 'slipway_token_expiry_timestamp_seconds',
        help: 'When the first of the tokens ends by itself that were used in the last 30 days; absent: none does.',
        labelNames: [],
      },
    },
    statement: sql`
      select 'expiry' as gauge, '{}'::json as labels, extract(epoch from expires_at)::float8 as value
      from (
        select min(expires_at) as expires_at from (
          select expires_at from tokens
          where revoked_at is null and expires_at > now()
            and last_used_at > now() - interval '30 d'
          limit ${mostCounted}
        ) as used
      ) as first
      where expires_at is not null`,
  },
  ...delegationStatements,
]
