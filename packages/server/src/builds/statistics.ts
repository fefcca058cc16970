import type { BuildStatistics, RepositoryUsage } from '@slipway/contract/build-figures'
import { sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'
import { getRepository } from '../repositories/index.ts'
import { visibleBuilds } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'

/** Completed ÷ total × 100, with one decimal; 0 where there is none. */
function successRate(completed: number, total: number): number {
  return total === 0 ? 0 : Math.round((completed / total) * 1_000) / 10
}

/** What became of the builds that were created in the last `days`, as far as the principal may see them. */
export async function readStatistics(
  { db }: Pick<BuildsDeps, 'db'>,
  input: { principal: Principal; days: number },
): Promise<BuildStatistics> {
  const { principal, days } = input
  const { rows } = await sql<
    Omit<BuildStatistics, 'period_days' | 'success_rate' | 'output_types' | 'step_usage'> & {
      zip: number
      docker_image: number
      both: number
      step_usage: Record<string, number> | null
    }
  >`
    with period as materialized (
      select b.id, b.status, b.output_type, b.steps_to_execute from builds b
      where b.started_at >= now() - ${days}::integer * interval '1 day'
        and ${visibleBuilds(principal)}
    )
    select count(*)::integer as total_runs,
           count(*) filter (where status = 'completed')::integer as completed_runs,
           count(*) filter (where status = 'failed')::integer as failed_runs,
           count(*) filter (where status = 'running')::integer as running_runs,
           count(*) filter (where status = 'pending')::integer as pending_runs,
           count(*) filter (where output_type = 'zip')::integer as zip,
           count(*) filter (where output_type = 'docker_image')::integer as docker_image,
           count(*) filter (where output_type = 'both')::integer as both,
           (select jsonb_object_agg(step, uses) from (
              select step, count(*) as uses from period, unnest(steps_to_execute) as step group by step
            ) used) as step_usage,
           (select count(*)::integer from build_outputs o where o.build_id in (select id from period))
             as total_build_outputs
    from period`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('a count has a row')
  const { zip, docker_image, both, step_usage, ...figures } = row
  return {
    period_days: days,
    ...figures,
    success_rate: successRate(figures.completed_runs, figures.total_runs),
    step_usage: step_usage ?? {},
    output_types: { zip, docker_image, both },
  }
}

/** What a repository has been built into, as far as the principal may see it. */
export async function readRepositoryUsage(
  deps: Pick<BuildsDeps, 'db'>,
  input: { principal: Principal; repositoryId: number },
): Promise<RepositoryUsage> {
  const { principal, repositoryId: id } = input
  const repository = await getRepository(deps, { principal, id })
  const { rows } = await sql<{
    total: number
    completed: number
    failed: number
    outputs: number
    last: Date | null
  }>`
    select count(*)::integer as total,
           count(*) filter (where b.status = 'completed')::integer as completed,
           count(*) filter (where b.status = 'failed')::integer as failed,
           coalesce(sum((select count(*) from build_outputs o where o.build_id = b.id)), 0)::integer
             as outputs,
           max(b.started_at) as last
    from builds b
    where b.git_repository_id = ${id} and ${visibleBuilds(principal)}`.execute(deps.db)
  const { total = 0, completed = 0, failed = 0, outputs = 0, last = null } = rows[0] ?? {}
  return {
    repository_id: repository.id,
    repository_name: repository.name,
    repository_url: repository.repository_url,
    is_verified: repository.is_verified,
    total_pipeline_runs: total,
    completed_runs: completed,
    failed_runs: failed,
    success_rate: successRate(completed, total),
    total_build_outputs: outputs,
    last_used_at: last?.toISOString() ?? null,
    created_at: repository.created_at,
  }
}
