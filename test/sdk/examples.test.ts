// The examples of packages/sdk/examples, run as their first lines say, against a real server; the one of a page
// in Chromium.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, type SlipwayClient } from '@slipway/sdk'
import { build as bundle } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type BrowserWindow, startBrowser } from '../support/browser.ts'
import { createDeploymentWorld } from '../support/deployments.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { sampleJob, sampleRun, sampleStep, watchRepository } from '../support/monitor.ts'
import { servePage } from '../support/page-server.ts'
import { readZip } from '../support/read-zip.ts'
import { type StatusServer, startStatusServer } from '../support/status-server.ts'

const examples = fileURLToPath(new URL('../../packages/sdk/examples', import.meta.url))
const executed = new Set<string>()

// Each process takes its time to start, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 90_000 })

let server: StatusServer
let slipway: SlipwayClient
let repository: TestRepository
let watched: number
let directory: string

beforeAll(async () => {
  server = await startStatusServer()
  slipway = createClient({ baseUrl: server.url, token: server.token })
  repository = await createRepository(server.repositories, 'acme/shop')
  await repository.commit({ 'index.js': 'export {}\n' })
  watched = await watchRepository(server.database.db, 'acme/shop')
  directory = await mkdtemp(join(tmpdir(), 'slipway-examples-'))
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

interface Execution {
  child: ChildProcess
  /** What it has printed, and complained of. */
  printed(): string
  ended: Promise<number | null>
}

function execute(
  name: string,
  args: readonly string[],
  token = server.token,
  url = server.url,
): Execution {
  executed.add(name)
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', join(examples, name), ...args], {
    env: { PATH, SLIPWAY_URL: url, SLIPWAY_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => void (printed += text))
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, printed: () => printed, ended }
}

/** Runs it to its end. */
async function finish(name: string, args: readonly string[], token?: string, url?: string) {
  const execution = execute(name, args, token, url)
  const code = await execution.ended
  return { code, printed: execution.printed() }
}

async function delegate(jobId: string): Promise<string> {
  const job = { jobId, runId: jobId, repository: 'acme/shop', labels: ['self-hosted'] }
  return (await slipway.jobs.delegate(job)).delegationId
}

describe('runs', () => {
  it('are started, watched and counted', async () => {
    const good = await repository.commit(
      oneProject([{ name: 'greet', action: 'run', run: 'echo hello' }]),
    )
    const green = await finish('run-commit.ts', ['acme/shop', 'main', good])
    expect(green.printed).toContain('success: 1 of 1 steps\n')
    expect(green.code).toBe(0)
    const bad = await repository.commit(
      oneProject([{ name: 'greet', action: 'run', run: 'echo no; exit 3' }]),
    )
    const red = await finish('run-commit.ts', ['acme/shop', 'main', bad])
    expect(red.code).toBe(1)
    expect(red.printed).toContain('greet ended with 3\n  no\n')

    const { code, printed } = await finish('failure-rates.ts', ['acme/shop'])
    expect(code).toBe(0)
    expect(printed).toMatch(/^main: 1 of 2 failed \(50%\)\n\d+ changes in the audit log\n$/)
  })

  it('are joined where they are there already, and errors say what is wrong', async () => {
    const steps = [{ name: 'wait', action: 'run', run: 'sleep 300' }]
    const commit = await repository.commit(oneProject(steps))
    const first = await finish('ensure-run.ts', ['acme/shop', 'main', commit])
    const id = /^started (\S+)\n$/.exec(first.printed)?.[1] ?? first.printed
    const second = await finish('ensure-run.ts', ['acme/shop', 'main', commit])
    expect(second).toEqual({ code: 0, printed: `joined ${id}\n` })
    await slipway.runs.cancel(id)

    const refused = await finish('ensure-run.ts', ['acme/shop', 'main', commit], 'slw_unknown')
    expect(refused.code).toBe(1)
    expect(refused.printed).toMatch(
      /^authentication_failed \(401\): .+\nThe server's log has more of the request \S+\n$/,
    )
  })
})

it('pipelines that are red are listed', async () => {
  const green = sampleRun({ id: 1, runNumber: 1 })
  const failure = { githubStatus: 'completed', conclusion: 'failure' } as const
  const later = new Date('2025-01-02T10:00:00Z')
  const red = sampleRun({ id: 2, runNumber: 2, ...failure, createdAt: later, runStartedAt: later })
  const steps = [sampleStep({ name: 'Test', conclusion: 'failure' })]
  await server.hear(watched, {
    runs: [green, red],
    jobs: [sampleJob({ id: 20, runId: 2, ...failure, steps })],
  })
  const { code, printed } = await finish('red-pipelines.ts', ['acme/shop'])
  expect(printed).toMatch(
    /^acme\/shop main: CI\/CD Pipeline failed at 2025-01-02T\S+\n {2}in build: Test\n {2}green last at 2025-01-01T10:00:00.000Z: \S+\n1 red\n$/,
  )
  expect(code).toBe(1)
})

it('releases are taken on once they are approved', async () => {
  const world = await createDeploymentWorld()
  onTestFinished(() => world.close())
  const { id } = await world.release({ project: 'api' })
  const promote = () =>
    finish(
      'promote-release.ts',
      ['acme/shop', 'api', '1', 'production'],
      world.server.token,
      world.server.url,
    )
  const early = await promote()
  expect(early.code).toBe(1)
  expect(early.printed).toMatch(/^new: \S+\n[^]*needs an approval/)
  const admin = createClient({ baseUrl: world.server.url, token: world.server.token })
  const justification = 'Looks right on staging'
  await admin.approvals.create({ release_id: id, environment: 'production', justification })
  const done = await promote()
  expect(done.printed).toMatch(/\napproved by admin: Looks right on staging\n[^]*active\n$/)
  expect(done.code).toBe(0)
})

it('packages are built and downloaded', async () => {
  const file = join(directory, 'shop.zip')
  const { code, printed } = await finish('build-package.ts', [
    `file://${repository.directory}`,
    file,
  ])
  expect(printed).toContain('Starting pipeline execution...\n')
  expect(printed).toContain('Step completed: Create ZIP Archive\n')
  expect(printed).toMatch(/The build has completed\n\S+: \d+ bytes, [0-9a-f]{64}\n$/)
  expect(code).toBe(0)
  const names = (await readZip(await readFile(file))).map(({ name }) => name.toString())
  expect(names).toContain('index.js')
})

it('jobs are awaited', async () => {
  const { token } = await server.tokenFor({ roles: ['service-account'] })
  const runner = createClient({ baseUrl: server.url, token })
  const ids = [await delegate('101'), await delegate('102')]
  const waiting = execute('await-jobs.ts', ['acme/shop'])
  await expect
    .poll(waiting.printed, { timeout: 20_000 })
    .toMatch(/101: queued[^]*102: queued|102: queued[^]*101: queued/)
  for (const id of ids) await runner.jobs.report(id, { status: 'running' })
  await runner.jobs.report(ids[0]!, { status: 'completed' })
  await runner.jobs.report(ids[1]!, { status: 'failed' })
  expect(await waiting.ended).toBe(1)
  expect(waiting.printed()).toMatch(/^2 of 2 jobs of acme\/shop have not ended\n/)
  expect(waiting.printed()).toMatch(/101: completed/)
  expect(waiting.printed()).toMatch(/102: failed/)
})

it('what goes on is told, until Ctrl-C', async () => {
  const live = execute('follow-live.ts', ['acme/shop'])
  const listening =
    /pipelines: listening[^]*jobs: listening|jobs: listening[^]*pipelines: listening/
  await expect.poll(live.printed, { timeout: 20_000 }).toMatch(listening)
  const running = { githubStatus: 'in_progress', conclusion: null } as const
  await server.hear(watched, { runs: [sampleRun({ id: 3, runNumber: 3, ...running })] })
  await delegate('103')
  await expect.poll(live.printed).toContain('acme/shop: CI/CD Pipeline began\n')
  await expect.poll(live.printed).toContain('acme/shop: a job was delegated\n')
  live.child.kill('SIGINT')
  expect(await live.ended).toBe(0)

  const refused = await finish('follow-live.ts', ['acme/shop'], 'slw_unknown')
  expect(refused).toMatchObject({
    code: 1,
    printed: expect.stringMatching(/^Not followed: authentication_failed: /) as string,
  })
})

describe('a page', () => {
  let script: string
  let modules: string[]
  beforeAll(async () => {
    const output = await bundle({
      configFile: false,
      root: examples,
      logLevel: 'error',
      build: {
        write: false,
        minify: false,
        rolldownOptions: {
          input: join(examples, 'live-page.ts'),
          output: { codeSplitting: false },
        },
      },
    })
    const chunks = [output].flat().flatMap((each) => ('output' in each ? each.output : []))
    const [chunk] = chunks.filter((each) => each.type === 'chunk')
    if (chunks.length !== 1 || chunk === undefined) throw new Error(`${chunks.length} files`)
    script = chunk.code
    modules = Object.keys(chunk.modules)
    executed.add('live-page.ts')
  })

  /** At the address of the server, behind a reverse proxy that has the page, too. */
  async function openPage(window: BrowserWindow, query: string, token: string) {
    const content =
      '<!doctype html><title>Live</title><link rel="icon" href="data:,"><script type="module" src="/live.js"></script>'
    const front = await servePage(server.url, {
      '/live': { type: 'text/html', content },
      '/live.js': { type: 'text/javascript', content: script },
    })
    onTestFinished(() => front.close())
    const { page } = window
    await page.addInitScript(`sessionStorage.setItem('slipway-token', ${JSON.stringify(token)})`)
    await page.goto(`${front.url}/live?${query}`)
    return page
  }

  it('has the sockets of the browser in its bundle, and nothing of Node', () => {
    expect(modules.some((path) => path.includes('page-web-socket'))).toBe(true)
    const ofNode = modules.filter((path) =>
      /\/node_modules\/ws\/|node-web-socket|\.node\.js|node:/.test(path),
    )
    expect(ofNode).toEqual([])
  })

  it('is told of pipelines, jobs and a build as it happens, in Chromium', async () => {
    const browser = await startBrowser()
    onTestFinished(() => browser.close())
    const { id } = await slipway.repositories.create({
      name: 'shop of the page',
      repository_url: `file://${repository.directory}`,
    })
    const build = await slipway.builds.create({
      steps_to_execute: ['clone_repo', 'create_zip'],
      git_repository_id: id,
      output_type: 'zip',
    })
    const query = `repository=acme/shop&build=${build.id}`
    const window = await browser.open()
    const page = await openPage(window, query, server.token)
    await page.getByText('pipelines: listening').waitFor()
    await page.getByText('jobs: listening').waitFor()
    await page.getByText('Pipeline run created. Waiting for execution.').waitFor()
    const running = { githubStatus: 'in_progress', conclusion: null } as const
    await server.hear(watched, { runs: [sampleRun({ id: 4, runNumber: 4, ...running })] })
    await delegate('104')
    await slipway.builds.execute(build.id)
    await page.getByText('acme/shop: CI/CD Pipeline began').waitFor()
    await page.getByText('acme/shop: a job is queued').waitFor()
    await page.getByText(`build ${build.id}: completed`).waitFor()
    expect(window.takeComplaints()).toEqual([])

    const other = await browser.open()
    const refused = await openPage(other, query, 'slw_unknown')
    await expect.poll(() => refused.getByText('authentication_failed: ').count()).toBe(3)
  })
})

it('leaves no example out', async () => {
  const files = (await readdir(examples)).filter((name) => name.endsWith('.ts'))
  expect([...executed].toSorted()).toEqual(files.toSorted())
  for (const name of files) {
    const lines = (await readFile(join(examples, name), 'utf8')).split('\n').length
    expect(lines, name).toBeLessThanOrEqual(60)
  }
})
