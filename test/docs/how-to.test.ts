// docs/how-to-pipelines.md and docs/how-to-runners.md, every command, on a real server with a Docker engine of its own;
// what stands in for GitHub checks requests by GitHub's own description of its API.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type DelegationPlace, shellImage, startDelegationPlace } from '../support/delegations.ts'
import { type GitHubStandIn, startGitHubStandIn } from '../support/github/stand-in.ts'
import { type Fenced, fencedBlocks, repositoryRoot } from '../support/markdown.ts'
import { ago, jobOf, token } from '../support/monitor-ingest.ts'
import { temporaryDirectory } from '../support/run-cli.ts'

const blocksOf = async (page: string): Promise<Fenced[]> =>
  fencedBlocks(await readFile(join(repositoryRoot, 'docs', page), 'utf8'))

let github: GitHubStandIn
let place: DelegationPlace
beforeAll(async () => {
  github = await startGitHubStandIn({ token })
  github.actions.addRepository('acme/shop')
  const ended = { status: 'completed', created_at: ago(600_000), run_started_at: ago(600_000) }
  github.actions.putRun('acme/shop', {
    id: 1,
    ...ended,
    conclusion: 'failure',
    jobs: { 1: [jobOf(11, { conclusion: 'failure' })] },
  })
  const yaml = (await blocksOf('how-to-runners.md')).find(({ language }) => language === 'yaml')
  const { runners } = parse(yaml?.content ?? '') as {
    runners: { classes: { name: string; image: string }[] }
  }
  const classes = runners.classes.map((each) => ({ ...each, image: shellImage }))
  place = await startDelegationPlace(classes, {
    GITHUB_API_URL: github.url,
    GITHUB_TOKEN: token,
    MONITORED_REPOSITORIES: 'acme/shop',
  })
}, 120_000)
afterAll(async () => {
  await place?.close()
  await github?.close()
})

/** Every command of a page but the one that starts a server, which runs. */
async function runPage(page: string): Promise<string> {
  const blocks = (await blocksOf(page)).filter(({ language }) => language === 'sh')
  const starts = blocks.filter(({ content }) => content.endsWith('npm start'))
  expect(starts).toHaveLength(1)
  const script = blocks
    .filter((block) => !starts.includes(block))
    .map(({ content }) => content)
    .join('\n')
    .replaceAll('http://127.0.0.1:3000', place.server.url)
    .replaceAll(/\bcurl /g, 'curl -sS --fail-with-body ')
  const home = await temporaryDirectory()
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], {
    cwd: home,
    env: {
      PATH: `${process.env.PATH}:${join(repositoryRoot, 'node_modules/.bin')}`,
      HOME: home,
      SLIPWAY_URL: place.server.url,
      SLIPWAY_TOKEN: place.server.token,
    },
  })
  return stdout
}

it('goes as the page about watching GitHub Actions has it', { timeout: 240_000 }, async () => {
  const status = () =>
    place.server.json<{ pipelines: unknown[] }>('GET', '/api/v2/pipelines/status')
  await expect.poll(async () => (await status()).pipelines.length, { timeout: 30_000 }).toBe(1)
  const told = await runPage('how-to-pipelines.md')
  expect(told.match(/^failure +acme\/shop +main +CI /gm)).toHaveLength(2)
  expect([...(github.actions.repositories[0]?.runs.values() ?? [])]).toContainEqual(
    expect.objectContaining({ event: 'workflow_dispatch', head_branch: 'main' }),
  )
})

it('goes as the page about running jobs has it', { timeout: 240_000 }, async () => {
  const told = await runPage('how-to-runners.md')
  expect(told).toMatch(/Z acme\/shop at refs\/heads\/main$/m)
  expect(told).toMatch(/^report\b/m)
})
