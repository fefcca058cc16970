// npm run demo: a server of its own, commits taken through runs, and one of them to production and back.
import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createClient, type SlipwayClient } from '@slipway/sdk'
import { streamOutput } from '@slipway/cli/render/stream-output'
import { createStyles, wantsColour } from '@slipway/cli/render/styles'
import { createNarrator, type Narrator } from './narrator.ts'
import { openPage, wantsPage } from './open-page.ts'
import {
  type DemoCommits,
  ownRepository,
  prepareRepositories,
  sampleRepository,
} from './prepare-repositories.ts'
import { project, shipToProduction } from './ship-to-production.ts'
import { startDemoServer } from './start-server.ts'
import { type Story, tell } from './take-through-runs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const home = join(root, '.slipway-demo')
const stay = !process.argv.includes('--exit')

const stop = new AbortController()
const out = streamOutput(process.stdout, () => stop.abort())
const styles = createStyles(wantsColour(out, process.env))
const narrator = createNarrator(out, styles, stop.signal)

await rm(home, { recursive: true, force: true, maxRetries: 5 })
await mkdir(join(home, 'repositories'), { recursive: true })
const commits = await prepareRepositories(root, join(home, 'repositories'))
const token = randomBytes(24).toString('base64url')
const server = await startDemoServer({
  SLIPWAY_DATA_DIR: join(home, 'data'),
  SLIPWAY_ADMIN_TOKEN: token,
  SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
  GIT_BASE_URL: pathToFileURL(join(home, 'repositories')).href,
})
process.on('SIGINT', () => stop.abort())
process.on('SIGTERM', () => stop.abort())

/** A client in somebody's name. */
async function hire(
  admin: SlipwayClient,
  name: string,
  role: 'developer' | 'approver',
): Promise<SlipwayClient> {
  const made = await admin.tokens.create({ name, roles: [role] })
  return createClient({ baseUrl: server.url, token: made.token })
}

function stories({ failing, slow, self }: DemoCommits): Story[] {
  const ofSlipway: Story[] =
    self === null
      ? []
      : [
          {
            title: 'Slipway itself: installed, checked, tested and built in its own pipeline',
            repository: ownRepository,
            branch: 'main',
            commit: self,
            expect: 'success',
          },
        ]
  return [
    {
      title: 'The sample with a unit test that fails: what follows is skipped',
      repository: sampleRepository,
      branch: 'failing',
      commit: failing,
      expect: 'failed',
    },
    {
      title: 'The sample with a build that takes ten minutes: cancelled once it runs',
      repository: sampleRepository,
      branch: 'slow',
      commit: slow,
      watch: async (run, cancel) => {
        const build = run.phases.find(({ name }) => name === 'build')
        const web = build?.tasks.find(({ project_name }) => project_name === 'web')
        if (web?.steps.some(({ status }) => status === 'running')) await cancel()
      },
      expect: 'cancelled',
    },
    ...ofSlipway,
  ]
}

/** Says where to look, first of all at a page, which is opened where there is somebody to see it. */
async function lookAround(narrator: Narrator, runId: string): Promise<void> {
  const { url } = server
  const { host } = new URL(url)
  const command = `SLIPWAY_URL=${url} SLIPWAY_TOKEN=${token} npx slipway`
  await narrator.title('Look around')
  const dashboard = `${url}/sign-in?return_to=/board#token=${token}`
  await narrator.fact('dashboard', dashboard)
  await narrator.fact('API', `${url}/docs`)
  await narrator.fact('a run', `curl -H "Authorization: Bearer ${token}" ${url}/v1/runs/${runId}`)
  await narrator.fact(
    'events',
    `curl -N -H "Authorization: Bearer ${token}" "${url}/v1/events?after=0"`,
  )
  await narrator.fact('GitOps', `git clone http://demo:${token}@${host}/git/gitops.git`)
  await narrator.fact('releases', `${command} release list ${project} -r ${sampleRepository}`)
  await narrator.fact('logs', `${command} search refused`)
  if (wantsPage(narrator.out, process.argv, process.env)) await openPage(dashboard, process)
}

try {
  await narrator.say(
    `Slipway listens on ${styles.cyan(server.url)}; steps are isolated by ${server.isolation}.`,
  )
  const admin = createClient({ baseUrl: server.url, token })
  const cast = {
    developer: await hire(admin, 'dana', 'developer'),
    approver: await hire(admin, 'alex', 'approver'),
  }
  for (const story of stories(commits)) await tell(narrator, admin, story)
  const run = await tell(narrator, cast.developer, {
    title: 'A monorepo with three projects, in CUE, YAML and JSON, pushed to main',
    repository: sampleRepository,
    branch: 'main',
    commit: commits.sample,
    expect: 'success',
  })
  const shipped = await shipToProduction(narrator, cast, {
    url: server.url,
    first: run,
    nextCommit: commits.next,
  })
  await lookAround(narrator, run.id)
  if (stay) await narrator.say('\nThe server stays up until Ctrl-C.')
  await narrator.say(
    JSON.stringify({
      url: server.url,
      repository: sampleRepository,
      project,
      release_id: shipped.releaseId,
      deployment_id: shipped.deploymentId,
    }),
  )
  if (stay) {
    await Promise.race([
      server.ended,
      new Promise((resolve) => stop.signal.addEventListener('abort', resolve)),
    ])
  }
} catch (error) {
  if (!stop.signal.aborted) {
    await narrator.say(styles.red(error instanceof Error ? error.message : String(error)))
    process.exitCode = 1
  }
} finally {
  await server.stop()
}
