import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { numberedReleases, type ReleaseRow } from '../test/support/numbered-releases.ts'
import { startTestServer, type TestServer } from '../test/support/server.ts'
import { percentiles, round } from './statistics.ts'

const rounds = 25
const warmUp = 3
const environment = 'dev'

/**
 * From the request for a deployment to its answer, when the commit is in the GitOps repository, against
 * the bare minimum of the same work: `git commit` in a checkout, and `git push` to an equal remote.
 * Once with a repository elsewhere, once with the embedded one.
 */
export async function benchDeployments(url: string): Promise<object> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const pool = new pg.Pool({ connectionString: url })
  const git = (...args: string[]) => execFileSync('git', args, { cwd: directory, stdio: 'ignore' })
  let server: TestServer | undefined
  try {
    for (const name of ['remote.git', 'floor.git']) {
      git('init', '--quiet', '--bare', '--initial-branch=main', name)
    }
    git('clone', '--quiet', 'floor.git', 'checkout')
    const checkout = join(directory, 'checkout')
    const results: Record<string, object> = {}
    for (const kind of ['remote', 'embedded']) {
      const remote = { GITOPS_REPOSITORY_URL: `file://${join(directory, 'remote.git')}` }
      server = await startTestServer({ DATABASE_URL: url, ...(kind === 'remote' ? remote : {}) })
      const releases = numberedReleases({ pool })
      const [floor, ours]: [number[], number[]] = [[], []]
      for (let n = 0; n < rounds + warmUp; n++) {
        const release = await releases.add({ project: kind })
        const bare = await bareDeployment(checkout, `${kind}-${n}`)
        const deployed = await deploy(server, release)
        if (n < warmUp) continue
        floor.push(bare)
        ours.push(deployed)
      }
      const [bare, deployed] = [percentiles(floor), percentiles(ours)]
      results[kind] = {
        floorMs: bare,
        ms: deployed,
        ratio: round(deployed.p50 / bare.p50),
        goal: 2,
        reached: deployed.p50 <= 2 * bare.p50,
      }
      await server.close()
      server = undefined
    }
    return results
  } finally {
    await server?.close()
    await pool.end()
    await rm(directory, { recursive: true, force: true })
  }
}

async function deploy(server: TestServer, release: ReleaseRow): Promise<number> {
  const started = performance.now()
  const body = { release_id: release.id, environment }
  const response = await server.request('POST', '/v1/deployments', { body })
  await response.arrayBuffer()
  const took = performance.now() - started
  if (response.status !== 201) throw new Error(`a deployment was answered with ${response.status}`)
  return took
}

async function bareDeployment(checkout: string, text: string): Promise<number> {
  const place = join(checkout, 'environments', environment, 'acme', 'shop', 'api')
  await mkdir(place, { recursive: true })
  const started = performance.now()
  await writeFile(join(place, 'release.yaml'), `release: ${text}\n`)
  await writeFile(join(place, 'manifests.yaml'), `image: ${text}\n`)
  await run(['add', '--all'], checkout)
  const identity = ['-c', 'user.name=x', '-c', 'user.email=x@example.test']
  await run([...identity, 'commit', '--quiet', '-m', text], checkout)
  await run(['push', '--quiet', 'origin', 'HEAD:main'], checkout)
  return performance.now() - started
}

async function run(args: string[], cwd: string): Promise<void> {
  const child = spawn('git', args, { cwd, stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${code}`)
}
