// Tells, as it happens, what goes on in repositories: in GitHub Actions, and in the jobs delegated from
// there. Ctrl-C ends it.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx follow-live.ts acme/shop acme/web
import { createClient, SlipwayError } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const repositories = process.argv.slice(2)
if (repositories.length === 0) throw new Error('follow-live.ts <owner/name>…')

const slipway = createClient({ baseUrl: SLIPWAY_URL, token: SLIPWAY_TOKEN })
const leaving = new AbortController()
process.once('SIGINT', () => leaving.abort())
const { signal } = leaving

/** A socket tells from its opening on: what was before is asked for then, also after it broke off. */
const told = (what: string) => ({
  signal,
  onOpen: () => console.log(`${what}: listening`),
  onClose: () => console.log(`${what}: the server is away`),
})

async function followPipelines() {
  for await (const message of slipway.pipelines.subscribe({ repositories }, told('pipelines'))) {
    const { event, data } = message
    if (event === 'pipeline:started') console.log(`${data.repository}: ${data.workflow} began`)
    if (event === 'pipeline:completed') console.log(`${data.repository}: ${data.workflow} is green`)
    if (event === 'pipeline:failed') console.log(`${data.repository}: ${data.error}`)
  }
}

async function followJobs() {
  for await (const { event, data } of slipway.jobs.subscribe({ repositories }, told('jobs'))) {
    const what = event === 'job:delegated' ? 'a job was delegated' : `a job is ${data.status}`
    console.log(`${data.repository}: ${what}`)
  }
}

try {
  await Promise.all([followPipelines(), followJobs()])
} catch (error) {
  leaving.abort()
  if (error instanceof SlipwayError) console.error(`Not followed: ${error.code}: ${error.message}`)
  else if ((error as Error).name !== 'AbortError') throw error
  process.exitCode = error instanceof SlipwayError ? 1 : 0
}
