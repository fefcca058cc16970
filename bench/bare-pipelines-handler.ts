// The floor of the pipelines benchmark: nothing but node:http, pg and the same SQL.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

const [url] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 10 })

const jobs = `
  (select json_agg(json_build_object(
            'id', j.id, 'name', j.name, 'status', j.status, 'conclusion', j.conclusion,
            'started_at', j.started_at, 'completed_at', j.completed_at, 'steps', j.steps)
            order by j.id)
   from workflow_jobs j where j.run_id = r.id and j.attempt = r.attempt) as jobs`

const answers: Record<string, (query: URLSearchParams) => Promise<unknown>> = {
  '/status': async (query) => {
    const [total, page] = await Promise.all([
      pool.query<{ count: string }>('select count(*) from newest_workflow_runs'),
      pool.query(
        `select m.full_name as repository, r.id, r.branch, r.status, r.conclusion, r.workflow_name,
                r.url, r.run_started_at, r.duration,
                (select json_agg(json_build_array(j.name, j.steps) order by j.id)
                 from workflow_jobs j where j.run_id = r.id and j.attempt = r.attempt) as jobs
         from (select repository_id, run_id, started_at from newest_workflow_runs
               order by started_at desc, run_id desc limit $1) n
         join workflow_runs r on r.id = n.run_id
         join monitored_repositories m on m.id = n.repository_id
         order by n.started_at desc, n.run_id desc`,
        [query.get('limit')],
      ),
    ])
    return { pipelines: page.rows, metadata: { total: Number(total.rows[0]?.count) } }
  },
  '/history': async (query) => {
    const repository = query.get('repository')
    const [total, page] = await Promise.all([
      pool.query<{ count: string }>(
        `select count(*) from workflow_runs r
         join monitored_repositories m on m.id = r.repository_id where lower(m.full_name) = $1`,
        [repository],
      ),
      pool.query(
        `select r.*, ${jobs}
         from (select r.id from workflow_runs r
               join monitored_repositories m on m.id = r.repository_id
               where lower(m.full_name) = $1
               order by r.created_at desc, r.id desc limit $2 offset $3) found
         join workflow_runs r on r.id = found.id order by r.created_at desc, r.id desc`,
        [repository, query.get('per_page'), query.get('offset')],
      ),
    ])
    return { repository, runs: page.rows, metadata: { total: Number(total.rows[0]?.count) } }
  },
  '/metrics': async () => {
    const { rows } = await pool.query<{ repository: string }>(
      `select m.full_name as repository, count(*) as total,
              count(*) filter (where r.github_status = 'completed') as completed,
              count(*) filter (where r.status = 'success') as successful,
              count(*) filter (where r.conclusion = 'cancelled') as cancelled,
              avg(r.duration) filter (where r.conclusion <> 'skipped')::float8 as average,
              percentile_cont(0.5) within group (order by r.duration)
                filter (where r.conclusion <> 'skipped') as median
       from workflow_runs r join monitored_repositories m on m.id = r.repository_id
       where r.created_at >= now() - interval '30 days' group by m.full_name`,
    )
    return { metrics: Object.fromEntries(rows.map((row) => [row.repository, row])) }
  },
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  answers[pathname]?.(searchParams)
    .then((body) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    })
    .catch((error: unknown) => {
      response.statusCode = 500
      response.end(String(error))
    })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
