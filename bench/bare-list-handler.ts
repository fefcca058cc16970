// The floor of the list benchmark: nothing but node:http, pg and the same SQL.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

const [url, repository] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 10 })

const server = createServer((request, response) => {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams
  const limit = Number(query.get('limit'))
  const offset = Number(query.get('offset'))
  pool
    .query(
      `select o.first, o.last, r.id, r.repository, r.branch, r.commit_sha, r.status,
              r.trigger_type, r.triggered_by, r.started_at, r.completed_at
       from run_ordinals o
       left join lateral (
         select * from runs r
         where r.repository = o.repository
           and r.repository_ordinal <= o.last - $2::bigint
           and r.repository_ordinal > o.last - $2::bigint - $3::bigint
         order by r.repository_ordinal desc
       ) r on true
       where o.repository = $1 and o.branch = $4`,
      [repository, offset, limit, ''],
    )
    .then(({ rows }: { rows: { first: string; last: string }[] }) => {
      const runs = rows.map(({ first: _first, last: _last, ...run }) => run)
      const total = Number(rows[0]?.last) - Number(rows[0]?.first) + 1
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ runs, total, limit, offset }))
    })
    .catch((error: unknown) => {
      response.statusCode = 500
      response.end(String(error))
    })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
