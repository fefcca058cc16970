// npm run demo: a server of its own, and commits taken through runs while you watch.
import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Run } from '@slipway/contract/runs'
import { createClient } from '@slipway/sdk'
import { showRun } from '@slipway/cli/render/show-run'
import { streamOutput } from '@slipway/cli/render/stream-output'
import { createStyles, wantsColour } from '@slipway/cli/render/styles'
import { ownRepository, prepareRepositories, sampleRepository } from './prepare-repositories.ts'
import { startDemoServer } from './start-server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const home = join(root, '.slipway-demo')
const stay = !process.argv.includes('--exit')

const stop = new AbortController()
const out = streamOutput(process.stdout, () => stop.abort())
const styles = createStyles(wantsColour(out, process.env))
const say = (text: string) => out.write(`${text}\n`)
const title = (text: string) => say(`\n${styles.bold(text)}`)

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
const client = createClient({ baseUrl: server.url, token })

interface Story {
  title: string
  repository: string
  branch: string
  commit: string
  /** Called with each state of the run; cancels it when it likes. */
  watch?: (run: Run, cancel: () => Promise<void>) => Promise<void>
  expect: Run['status']
}

const stories: Story[] = [
  {
    title: 'A monorepo with three projects, in CUE, YAML and JSON',
    repository: sampleRepository,
    branch: 'main',
    commit: commits.sample,
    expect: 'success',
  },
  {
    title: 'The same with a unit test that fails: what follows is skipped',
    repository: sampleRepository,
    branch: 'failing',
    commit: commits.failing,
    expect: 'failed',
  },
  {
    title: 'The same with a build that takes ten minutes: cancelled once it runs',
    repository: sampleRepository,
    branch: 'slow',
    commit: commits.slow,
    watch: async (run, cancel) => {
      const build = run.phases.find(({ name }) => name === 'build')
      const web = build?.tasks.find(({ project_name }) => project_name === 'web')
      if (web?.steps.some(({ status }) => status === 'running')) await cancel()
    },
    expect: 'cancelled',
  },
  ...(commits.self === null
    ? []
    : [
        {
          title: 'Slipway itself: installed, checked, tested and built in its own pipeline',
          repository: ownRepository,
          branch: 'main',
          commit: commits.self,
          expect: 'success',
        } satisfies Story,
      ]),
]

/** Takes one commit through a run, shows it, and answers how it ended. */
async function tell(story: Story): Promise<Run> {
  const { repository, branch, commit } = story
  await title(story.title)
  const { id } = await client.runs.create({
    repository,
    branch,
    commit_sha: commit,
    trigger_type: 'push',
  })
  const watched = async function* () {
    let cancelled = false
    const cancel = async () => {
      if (cancelled) return
      cancelled = true
      await client.runs.cancel(id)
    }
    for await (const run of client.runs.watch(id, { signal: stop.signal })) {
      yield run
      await story.watch?.(run, cancel)
    }
  }
  const run = await showRun(out, styles, watched())
  if (run === null) throw new Error('the run was never seen')
  for (const step of failedSteps(run)) await showTail(step)
  return run
}

function failedSteps(run: Run) {
  if (run.status !== 'failed') return []
  const steps = run.phases.flatMap((phase) => phase.tasks).flatMap((task) => task.steps)
  return steps.filter(
    ({ exit_code, status }) => status === 'failed' && exit_code !== null && exit_code < 128,
  )
}

async function showTail(step: { name: string; logs_url: string }): Promise<void> {
  const response = await fetch(`${step.logs_url}&tail=12`, { signal: AbortSignal.timeout(10_000) })
  await say(styles.dim(`  the end of ${step.name}'s log:`))
  for (const line of (await response.text()).trimEnd().split('\n'))
    await say(`  ${styles.dim('│')} ${line}`)
}

try {
  await say(
    `Slipway listens on ${styles.cyan(server.url)}; steps are isolated by ${server.isolation}.`,
  )
  const runs: Run[] = []
  let wrong = 0
  for (const story of stories) {
    const run = await tell(story)
    runs.push(run)
    if (run.status !== story.expect) {
      wrong++
      await say(styles.red(`This should have ended as ${story.expect}: ${run.message ?? ''}`))
    }
  }
  await title('Look around')
  await say(`  API reference   ${server.url}/docs`)
  await say(
    `  a run           curl -H "Authorization: Bearer ${token}" ${server.url}/v1/runs/${runs[0]?.id}`,
  )
  await say(
    `  events          curl -N -H "Authorization: Bearer ${token}" "${server.url}/v1/events?after=0"`,
  )
  await say(
    `  command line    SLIPWAY_URL=${server.url} SLIPWAY_TOKEN=${token} npx slipway run list --repository ${sampleRepository}`,
  )
  if (stay) await say('\nThe server stays up until Ctrl-C.')
  const ids = runs.map(({ id, status }) => ({ id, status }))
  await say(JSON.stringify({ url: server.url, repository: sampleRepository, runs: ids }))
  if (stay && wrong === 0) {
    await Promise.race([
      server.ended,
      new Promise((resolve) => stop.signal.addEventListener('abort', resolve)),
    ])
  }
  process.exitCode = wrong === 0 ? 0 : 1
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  await server.stop()
}
