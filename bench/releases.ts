import { randomUUID } from 'node:crypto'
import type { CreatedToken } from '@slipway/contract/access'
import type { CreateReleaseResponse } from '@slipway/contract/releases'
import pg from 'pg'
import { startTestServer, type TestServer } from '../test/support/server.ts'
import { percentiles, round } from './statistics.ts'

const repository = 'bench/app'
const count = 100
const rounds = 5

/**
 * A hundred releases of one project asked for at once over HTTP, each pushed to the embedded OCI
 * store, against the same rows written one after the other under the same counter.
 */
export async function benchReleases(databaseUrl: string): Promise<object> {
  const server = await startTestServer({ DATABASE_URL: databaseUrl })
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    // Exempt from the rate limit, and allowed to release by hand.
    const body = { name: 'bench', roles: ['service-account', 'developer'] }
    const { token } = await server.json<CreatedToken>('POST', '/v1/tokens', { body })
    const floor: number[] = []
    const ours: number[] = []
    const single: number[] = []
    for (let n = 0; n <= rounds; n++) {
      const bare = await writeBare(client, `floor-${n}`)
      const all = await createAll(server, client, { token, project: `project-${n}` })
      // The first round warms caches and compilers on both sides.
      if (n === 0) continue
      floor.push(bare)
      ours.push(all.ms)
      single.push(...all.each)
    }
    const [bare, all] = [percentiles(floor), percentiles(ours)]
    return {
      releases: count,
      floorMs: bare,
      ms: all,
      ratio: round(all.p50 / bare.p50),
      eachMs: percentiles(single),
      gaps: 0,
      errors: 0,
    }
  } finally {
    await client.end()
    await server.close()
  }
}

/** Answers the milliseconds until the last one is there, and those of each; throws on a gap or an error. */
async function createAll(
  server: TestServer,
  client: pg.Client,
  input: { token: string; project: string },
): Promise<{ ms: number; each: number[] }> {
  const { token, project } = input
  const commits = await addRuns(client, project)
  const started = performance.now()
  const each: number[] = []
  const made = await Promise.all(
    commits.map(async (commit_sha) => {
      const body = { repository, project, commit_sha, artifacts: [] }
      const release = await server.json<CreateReleaseResponse>('POST', '/v1/releases', {
        body,
        token,
      })
      each.push(performance.now() - started)
      return release
    }),
  )
  const ms = performance.now() - started
  const numbers = new Set(made.map((release) => release.release_number))
  const dense = numbers.size === count && Math.max(...numbers) === count
  if (!dense) throw new Error(`the numbers have a gap: ${[...numbers].join(' ')}`)
  return { ms, each }
}

/** Runs that have found the project, so that nobody has to ask git. */
async function addRuns(client: pg.Client, project: string): Promise<string[]> {
  const settings = JSON.stringify({ tagging: { strategy: 'monorepo' }, environments: [] })
  const config = JSON.stringify({
    name: project,
    path: '.',
    file: '.forge/project.json',
    artifacts: [],
    release: { on: [{ type: 'manual' }] },
    deploy: {
      resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'app' }, data: {} }],
    },
  })
  const { rows } = await client.query<{ commit_sha: string }>(
    `with made as (
       insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                         repository_ordinal, branch_ordinal)
       select gen_random_uuid(), $1, 'main', md5($2 || n::text) || '00000000', 'success', 'push',
              'bench', base.last + n, base.last + n
       from generate_series(1, ${count}) n,
            (select coalesce(max(repository_ordinal), 0) as last from runs) base
       returning id, commit_sha
     ), configured as (
       insert into run_configurations (run_id, repository) select id, $3 from made
     ), found as (
       insert into run_projects (run_id, position, name, path, config)
       select id, 0, $2, '.', $4 from made
     )
     select commit_sha from made`,
    [repository, project, settings, config],
  )
  return rows.map((row) => row.commit_sha)
}

/** The rows of as many releases, a transaction each; answers milliseconds. */
async function writeBare(client: pg.Client, project: string): Promise<number> {
  const started = performance.now()
  for (let n = 0; n < count; n++) {
    const id = randomUUID()
    const commit = n.toString(16).padStart(40, '0')
    await client.query('begin')
    const counter = await client.query<{ last: number }>(
      `insert into release_counters (repository, project, last) values ($1, $2, 1)
       on conflict (repository, project) do update set last = release_counters.last + 1
       returning last`,
      [repository, project],
    )
    const number = counter.rows[0]?.last
    await client.query(
      `insert into releases (id, repository, project, commit_sha, release_number, oci_uri,
                             oci_digest, trigger_type, triggered_by, created_by, environments,
                             resources)
       values ($1, $2, $3, $4, $5, 'uri', 'digest', 'manual', 'bench', 'bench', '[]', '[]')`,
      [id, repository, project, commit, number],
    )
    await client.query(
      `insert into events (event_type, repository, occurred_at, data)
       values ('release.created', $1, now(), $2)`,
      [repository, JSON.stringify({ release_id: id, repository, project, commit_sha: commit })],
    )
    await client.query('commit')
  }
  return performance.now() - started
}
