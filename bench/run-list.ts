import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CreatedToken } from '@slipway/contract/access'
import pg from 'pg'
import { startTestServer } from '../test/support/server.ts'
import { pace, saturate, type Target } from './http-load.ts'
import { round } from './statistics.ts'

const rows = 1_000_000
const repository = 'bench/million'
const seconds = 4

/** `GET /v1/runs` of a repository with a million runs, against a bare node:http handler with the same SQL. */
export async function benchRunList(databaseUrl: string): Promise<object> {
  const server = await startTestServer({ DATABASE_URL: databaseUrl })
  const bare = fork(
    fileURLToPath(new URL('./bare-list-handler.ts', import.meta.url)),
    [databaseUrl, repository],
    {
      execArgv: ['--import', 'tsx'],
    },
  )
  try {
    await fill(databaseUrl)
    const [port] = (await once(bare, 'message')) as [number]
    // Exempt from the rate limit.
    const body = { name: 'bench', roles: ['service-account', 'viewer'] }
    const { token } = await server.json<CreatedToken>('POST', '/v1/tokens', { body })
    const headers = { authorization: `Bearer ${token}` }
    const page = async (offset: number) => {
      const query = `repository=${repository}&limit=20&offset=${offset}`
      const ours: Target = { url: `${server.url}/v1/runs?${query}`, headers }
      const floor: Target = { url: `http://127.0.0.1:${port}/?${query}` }
      await saturate(ours, 1)
      await saturate(floor, 1)
      const floorRate = await saturate(floor, seconds)
      const rate = await saturate(ours, seconds)
      const half = Math.floor(Math.min(rate, floorRate) / 2)
      const floorMs = await pace(floor, half, seconds)
      const ms = await pace(ours, half, seconds)
      const ratio = round(floorRate / rate)
      return {
        floorPerSecond: floorRate,
        perSecond: rate,
        ratio,
        atHalfLoad: { floorMs, ms },
        reached: ratio <= 1.5,
      }
    }
    return { rows, first: await page(0), last: await page(rows - 20), goalRatio: 1.5 }
  } finally {
    bare.kill()
    await server.close()
  }
}

async function fill(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(
    `insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                       repository_ordinal, branch_ordinal, started_at, completed_at)
     select gen_random_uuid(), $1, 'main', md5(n::text) || '00000000', 'success', 'push', 'bench',
            n, n, now() - (${rows} - n) * interval '1 second', now()
     from generate_series(1, ${rows}) n`,
    [repository],
  )
  await client.query(
    `insert into run_ordinals (repository, branch, last) values ($1, '', ${rows}), ($1, 'main', ${rows})`,
    [repository],
  )
  await client.query('vacuum analyze runs')
  await client.end()
}
