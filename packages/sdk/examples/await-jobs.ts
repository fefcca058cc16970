// Waits until every delegated job of a repository has ended, and shows the log of those that failed.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx await-jobs.ts acme/shop
import { createClient } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const [repository] = process.argv.slice(2)
if (!repository) throw new Error('await-jobs.ts <owner/name>')

const slipway = createClient({ baseUrl: SLIPWAY_URL, token: SLIPWAY_TOKEN })
const { data: jobs } = await slipway.jobs.list({ repository, limit: 100 })
const unfinished = jobs.filter(({ completedAt }) => completedAt === null)
console.log(`${unfinished.length} of ${jobs.length} jobs of ${repository} have not ended`)

await Promise.all(
  unfinished.map(async ({ id, jobId }) => {
    const name = jobId ?? id
    for await (const { status, metadata } of slipway.jobs.watch(id)) {
      console.log(`${name}: ${status}${metadata.reason ? `, ${metadata.reason}` : ''}`)
      if (status !== 'failed') continue
      console.log(await slipway.jobs.logs(id, { tail: 20 }))
      process.exitCode = 1
    }
  }),
)
