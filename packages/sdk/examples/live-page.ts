// A page that shows what happens, for a bundler: `vite build`, `esbuild --bundle`. It is to be served from
// the address of the server, which lets no page of another site in (docs/sdk.md, "In the browser").
import { createClient, SlipwayError } from '@slipway/sdk'

const page = document.body
const show = (text: string) => {
  const line = document.createElement('p')
  line.textContent = text
  page.append(line)
}

const slipway = createClient({
  baseUrl: location.origin,
  // Without one, the browser sends the cookie of the dashboard's session by itself.
  token: () => sessionStorage.getItem('slipway-token') ?? '',
})

async function followPipelines(repositories: string[]) {
  const { pipelines } = await slipway.pipelines.status()
  show(`${pipelines.length} pipelines`)
  const options = { onOpen: () => show('pipelines: listening') }
  for await (const { event, data } of slipway.pipelines.subscribe({ repositories }, options)) {
    if (event === 'pipeline:started') show(`${data.repository}: ${data.workflow} began`)
  }
}

async function followJobs(repositories: string[]) {
  const options = { onOpen: () => show('jobs: listening') }
  for await (const { data } of slipway.jobs.subscribe({ repositories }, options)) {
    show(`${data.repository}: a job is ${data.status}`)
  }
}

async function followBuild(id: number) {
  for await (const message of slipway.builds.subscribe(id)) {
    if (message.type === 'log') show(message.line)
    if (message.type === 'end') show(`build ${id}: ${message.status}`)
  }
}

const query = new URLSearchParams(location.search)
const repositories = query.getAll('repository')
const build = query.get('build')
const following = [followPipelines(repositories), followJobs(repositories)]
if (build !== null) following.push(followBuild(Number(build)))
for (const each of following) {
  each.catch((error: unknown) => {
    show(error instanceof SlipwayError ? `${error.code}: ${error.message}` : String(error))
  })
}
