import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Deployment, ListDeploymentsResponse } from '@slipway/contract/deployments'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeploymentWorld, type DeploymentWorld } from '../support/deployments.ts'
import { type BareRepository, createBareRepository, setHook } from '../support/gitops-repository.ts'
import type { ReleaseRow } from '../support/numbered-releases.ts'
import { forgeEnvironment } from '../support/stored-release.ts'

// New releases, and tags on old ones, that go where the policy says, unasked.

let world: DeploymentWorld
let remote: BareRepository
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-automatic-'))
  const path = join(directory, 'slipway.yaml')
  await writeFile(
    path,
    `environments:
  staging: { autoDeploy: true, triggers: [tag] }
  guarded: { autoDeploy: true }
`,
  )
  remote = await createBareRepository()
  world = await createDeploymentWorld({
    SLIPWAY_CONFIG: path,
    GITOPS_REPOSITORY_URL: remote.url,
  })
})
afterAll(async () => {
  await world.close()
  await remote.remove()
  await rm(directory, { recursive: true })
})

/** Tells of a release as what makes it does. */
async function announce(release: ReleaseRow, type = 'release.created', more = {}): Promise<void> {
  const data = { release_id: release.id, repository: release.repository, ...more }
  await world.database.pool.query(
    `insert into events (event_type, repository, occurred_at, data) values ($1, $2, now(), $3)`,
    [type, release.repository, JSON.stringify(data)],
  )
}

async function deploymentsOf(project: string): Promise<Deployment[]> {
  const path = `/v1/deployments?project=${project}`
  return (await world.server.json<ListDeploymentsResponse>('GET', path)).deployments
}

async function deployed(project: string, environment: string): Promise<Deployment> {
  const find = async () =>
    (await deploymentsOf(project)).find((one) => one.environment === environment)
  await expect.poll(find, { timeout: 40_000 }).toMatchObject({ status: 'active' })
  return (await find()) as Deployment
}

/** Waits until everything that was announced has been worked off. */
async function settled(project: string): Promise<void> {
  const after = await world.release({ project: `${project}-after` })
  await announce(after)
  await deployed(`${project}-after`, 'dev')
  const unfinished = async () => {
    const { rows } = await world.database.pool.query(
      `select 1 from jobs where type = 'deployment' and state in ('queued', 'running')`,
    )
    return rows.length
  }
  await expect.poll(unfinished, { timeout: 20_000 }).toBe(0)
}

describe('a new release', () => {
  it('goes to dev in the name of who caused it, once, and nowhere that needs an approval', async () => {
    const environments = [forgeEnvironment('guarded', { approval: { required: true } })]
    const release = await world.release({ project: 'new', environments })
    await announce(release)
    await announce(release)
    const made = await deployed('new', 'dev')
    expect(made).toMatchObject({
      automatic: true,
      deployed_by: 'alice@company.com',
      release_number: 1,
      approval_ids: [],
    })
    await settled('new')
    expect((await deploymentsOf('new')).map(({ environment }) => environment)).toEqual(['dev'])
  })

  it('made by hand goes nowhere, nor one that the policy has no trigger for', async () => {
    await announce(await world.release({ project: 'manual', trigger: 'manual' }))
    await settled('manual')
    expect(await deploymentsOf('manual')).toEqual([])
  })

  it('never takes an environment back to what is older', async () => {
    const older = await world.release({ project: 'order' })
    const newer = await world.release({ project: 'order' })
    await announce(newer)
    await deployed('order', 'dev')
    await announce(older)
    await settled('order')
    const made = await deploymentsOf('order')
    expect(new Set(made.map(({ release_number }) => release_number))).toEqual(new Set([2]))
    const { rows } = await world.database.pool.query<{ error: string }>(
      `select error from jobs where state = 'failed' and type = 'deployment'
         and payload->>'release_id' = $1`,
      [older.id],
    )
    expect(rows[0]?.error).toContain('never goes back')
    expect(world.server.output.join('\n')).toContain('an automatic deployment was refused')
  })

  it('is tried again until the GitOps repository, which was away for a while, is back', async () => {
    await setHook(
      remote,
      'pre-receive',
      'n=$(cat hook-tries 2>/dev/null || echo 0); echo $((n + 1)) > hook-tries; [ "$n" -ge 6 ]',
    )
    await announce(await world.release({ project: 'again' }))
    await deployed('again', 'dev')
    await settled('again')
    const made = await deploymentsOf('again')
    expect(made.map(({ environment }) => environment).toSorted()).toEqual(['dev', 'guarded'])
    await setHook(remote, 'pre-receive', null)
  })
})

describe('a tag on a release that there is', () => {
  it('brings it where tags go, and other names do not', async () => {
    const release = await world.release({ project: 'tagged' })
    await announce(release, 'release.aliased', { alias: 'stable', alias_type: 'custom' })
    await settled('custom')
    expect(await deploymentsOf('tagged')).toEqual([])
    await announce(release, 'release.aliased', { alias: 'v1.0.0', alias_type: 'tag' })
    expect(await deployed('tagged', 'staging')).toMatchObject({ automatic: true })
    await settled('tagged')
    const environments = (await deploymentsOf('tagged')).map(({ environment }) => environment)
    expect(environments.toSorted()).toEqual(['dev', 'guarded', 'staging'])
  })
})
