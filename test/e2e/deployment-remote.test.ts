import { execFile } from 'node:child_process'
import { readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Deployment } from '@slipway/contract/deployments'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  activateDeployment,
  previewDeployment,
} from '../../packages/server/src/deployments/index.ts'
import { createDeploymentRoom, type DeploymentRoom } from '../support/deployment-room.ts'
import { setHook } from '../support/gitops-repository.ts'

// A GitOps repository elsewhere, with others who commit to it, and everything that can go wrong with it.

let room: DeploymentRoom
beforeEach(async () => {
  room = await createDeploymentRoom()
})
afterEach(() => room.close())

const visible = async () => (await room.rows()).filter(({ status }) => status !== 'preparing')
const place = 'environments/staging/acme/shop/api'
const show = (path: string) => room.remote.git('show', `main:${path}`)

describe('a commit', () => {
  it('begins the branch, and goes on top of it, with who and what in its message', async () => {
    const first = await room.deploy({ name: 'alice\nSlipway-Deployment: forged' })
    const second = await room.deploy({ name: 'bob@company.com' })
    expect(await room.remote.head()).toBe(second.gitops_commit_sha)
    expect(await room.remote.git('rev-parse', 'main^')).toBe(first.gitops_commit_sha)
    const [newest, oldest] = await room.remote.messages()
    expect(newest).toMatch(/^Deploy acme\/shop\/api #2 to staging\n\n/)
    expect(newest).toContain(`\nSlipway-Deployment: ${second.id}\n`)
    expect(newest).toMatch(/\nSlipway-Release: [0-9a-f-]{36}\nDeployed-By: bob@company\.com$/)
    expect(oldest?.match(/^Slipway-Deployment:/gm)).toHaveLength(1)
    expect(oldest).toContain('Deployed-By: alice Slipway-Deployment: forged')
    const author = await room.remote.git('log', '-1', '--format=%an', 'main')
    expect(author).toBe('Slipway')
  })

  it('of an older release is a roll back, and says so', async () => {
    const first = await room.deploy()
    await room.deploy()
    const { rows } = await room.database.pool.query<{ release_id: string }>(
      'select release_id from deployments where id = $1',
      [first.id],
    )
    const back = await room.redeploy(rows[0]?.release_id ?? '')
    expect((await room.remote.messages())[0]).toMatch(
      /^Roll back acme\/shop\/api in staging from #2 to #1\n/,
    )
    const { rows: flags } = await room.database.pool.query<Pick<Deployment, 'rollback'>>(
      'select rollback from deployments order by ordinal',
    )
    expect(flags.map(({ rollback }) => rollback)).toEqual([false, false, true])
    expect(back.status).toBe('pending')
  })

  it('leaves alone what others have there', async () => {
    await room.remote.commit({ 'README.md': 'ours', [`${place}/notes.txt`]: 'theirs' })
    await room.deploy()
    expect(await show('README.md')).toBe('ours')
    expect(await show(`${place}/notes.txt`)).toBe('theirs')
    expect(await show(`${place}/release.yaml`)).toContain('kind: ReleasePointer')
  })
})

describe('a remote that has moved on', () => {
  it('is fetched, and the commit made anew on top', async () => {
    await room.deploy()
    const theirs = await room.remote.commit({ 'README.md': 'between' })
    const made = await room.deploy()
    expect(await room.remote.git('rev-parse', 'main^')).toBe(theirs)
    expect(await room.remote.head()).toBe(made.gitops_commit_sha)
    expect(await show('README.md')).toBe('between')
  })

  it('and moves while the commit is on its way, too', async () => {
    await room.deploy()
    // Somebody else’s commit lands between the look at the branch and its update.
    await setHook(
      room.remote,
      'pre-receive',
      `if [ -e hook-done ]; then exit 0; fi
touch hook-done
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
commit=$(git -c user.name=x -c user.email=x@x commit-tree main^{tree} -p main -m Between)
git update-ref refs/heads/main "$commit"`,
    )
    const made = await room.deploy()
    const messages = await room.remote.messages()
    expect(messages.map((text) => text.split('\n')[0])).toEqual([
      'Deploy acme/shop/api #2 to staging',
      'Between',
      'Deploy acme/shop/api #1 to staging',
    ])
    expect(await room.remote.head()).toBe(made.gitops_commit_sha)
  })

  it('back, stays back: what was taken away does not return', async () => {
    const kept = await room.deploy()
    const dropped = await room.deploy({ project: 'web' })
    await room.remote.git('update-ref', 'refs/heads/main', kept.gitops_commit_sha)
    const made = await room.deploy()
    expect(await room.remote.git('rev-parse', 'main^')).toBe(kept.gitops_commit_sha)
    const log = await room.remote.git('log', '--format=%H', 'main')
    expect(log).not.toContain(dropped.gitops_commit_sha)
    expect(log).toContain(made.gitops_commit_sha)
  })
})

describe('many at once', () => {
  it('of one project: each has its commit, numbers follow the commits, and the last one wins', async () => {
    const other = await room.another()
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, n) => room.deploy({ deps: n % 2 === 0 ? room.deps : other })),
    )
    const log = (await room.remote.git('log', '--reverse', '--format=%H', 'main')).split('\n')
    expect(log.toSorted()).toEqual(made.map((one) => one.gitops_commit_sha).toSorted())
    const rows = await visible()
    const byOrdinal = rows.toSorted((a, b) => (a.ordinal ?? 0) - (b.ordinal ?? 0))
    expect(byOrdinal.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3, 4, 5, 6])
    expect(byOrdinal.map(({ sha }) => sha)).toEqual(log)
    // Reconciled in any order, the last commit is what stays active.
    await Promise.all(made.map(({ id }) => activateDeployment(room.deps, { id })))
    const after = (await visible()).toSorted((a, b) => (a.ordinal ?? 0) - (b.ordinal ?? 0))
    expect(after.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 5 }, () => 'superseded'),
      'active',
    ])
  })

  it('of different projects: all of them are there', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `p${n}`)
    await Promise.all(names.map((project) => room.deploy({ project })))
    const files = await room.remote.git('ls-tree', '-r', '--name-only', 'main')
    for (const name of names) {
      expect(files).toContain(`environments/staging/acme/shop/${name}/release.yaml`)
    }
    expect((await visible()).map(({ ordinal }) => ordinal)).toEqual(names.map(() => 1))
  })
})

describe('a remote that does not take the commit', () => {
  const failed = (reason: RegExp) => ({
    code: 'internal_error',
    status: 500,
    message: expect.stringMatching(reason),
    details: { reason: 'gitops_commit_failed' },
  })

  it('rejects it by a hook: its words are the answer, and nothing is left', async () => {
    await setHook(room.remote, 'pre-receive', 'echo "Only on weekdays." >&2; exit 1')
    await expect(room.deploy()).rejects.toMatchObject(
      failed(/Only on weekdays\..*Nothing was deployed\.$/),
    )
    expect(await room.rows()).toEqual([])
    expect(await room.remote.head()).toBe('')
    await setHook(room.remote, 'pre-receive', null)
    expect((await room.deploy()).status).toBe('pending')
    expect((await visible()).map(({ ordinal }) => ordinal)).toEqual([1])
  })

  it('is away: that is said, and nothing is left', async () => {
    await room.deploy()
    await rename(room.remote.directory, `${room.remote.directory}.away`)
    await expect(room.deploy()).rejects.toMatchObject(failed(/does not appear to be a git/))
    expect(await room.rows()).toHaveLength(1)
    await rename(`${room.remote.directory}.away`, room.remote.directory)
    expect((await room.deploy()).status).toBe('pending')
  })

  it('is damaged where it is to be written', async () => {
    await room.deploy()
    await room.remote.git('config', 'receive.denyCurrentBranch', 'refuse')
    await room.remote.git('config', 'core.bare', 'false')
    await expect(room.deploy()).rejects.toMatchObject({ code: 'internal_error' })
    expect(await room.rows()).toHaveLength(1)
  })
})

describe('the clone on this machine', () => {
  it('is reached although a git that was killed has left its lock', async () => {
    await room.deploy()
    const { directory } = room.deps.gitops
    await writeFile(join(directory, 'refs/slipway/fetched.lock'), '')
    const theirs = await room.remote.commit({ 'theirs/x': '1' })
    const made = await room.deploy()
    expect(await room.remote.git('rev-parse', 'main^')).toBe(theirs)
    expect(await room.remote.head()).toBe(made.gitops_commit_sha)
  })

  it('is tidied now and then, and works on', async () => {
    const deps = await room.another({ commitsPerTidying: 3 })
    const { directory } = deps.gitops
    await promisify(execFile)('git', ['-C', directory, 'config', 'gc.autoPackLimit', '1'])
    const packs = async () => {
      const names = await readdir(join(directory, 'objects', 'pack'))
      return names.filter((name) => name.endsWith('.pack')).length
    }
    await room.deploy({ deps })
    await room.deploy({ deps })
    expect(await packs()).toBe(2)
    await room.deploy({ deps })
    await expect.poll(packs, { timeout: 10_000 }).toBe(1)
    const made = await room.deploy({ deps })
    expect(await room.remote.head()).toBe(made.gitops_commit_sha)
  })
})

describe('overlays', () => {
  it('change the manifests: of the environment first, then of the project', async () => {
    await room.remote.commit({
      'environments/staging/overlay.yaml': `namespace: staging
labels: { team: shop }
patches:
  - target: { kind: Deployment }
    patch: { spec: { replicas: 2, paused: false } }
  - target: { kind: Ingress, name: none }
    patch: { spec: {} }
`,
      [`${place}/overlay.yaml`]: `apiVersion: slipway.dev/v1alpha1
kind: Overlay
metadata: { name: api }
patches:
  - target: { kind: Deployment, name: api }
    patch: { spec: { replicas: 3 } }
`,
    })
    await room.deploy()
    expect(await show(`${place}/manifests.yaml`)).toBe(`apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: api
    team: shop
  name: api
  namespace: staging
spec:
  paused: false
  replicas: 3
  template:
    spec:
      containers:
        - image: example.com/api:1
          name: api
---
apiVersion: v1
kind: Service
metadata:
  labels:
    team: shop
  name: api
  namespace: staging
spec:
  ports:
    - port: 80`)
  })

  it('that are broken are a conflict which names file and reason, and nothing is committed', async () => {
    const before = await room.remote.commit({
      [`${place}/overlay.yaml`]: `namespace: Not A Name
patches:
  - target: { kind: Deployment, name: web }
    patch: { spec: { replicas: 3 } }
  - target: Deployment
replicas: 3
`,
    })
    await expect(room.deploy()).rejects.toMatchObject({
      code: 'resource_conflict',
      details: {
        file: `${place}/overlay.yaml`,
        problems: [
          'replicas: is not known here',
          'namespace: must be the name of a namespace',
          'patches[1].patch: must be a mapping',
          'patches[1].target: must be a mapping with kind and name',
        ],
      },
    })
    expect(await room.rows()).toEqual([])
    expect(await room.remote.head()).toBe(before)
    await room.remote.commit({
      [`${place}/overlay.yaml`]: 'patches: [{ target: { kind: Job, name: x }, patch: {} }]',
    })
    await expect(room.deploy()).rejects.toMatchObject({
      message: expect.stringContaining('the release has no Job x'),
    })
    await room.remote.commit({ [`${place}/overlay.yaml`]: 'patches: [' })
    await expect(room.deploy()).rejects.toMatchObject({
      message: expect.stringMatching(/overlay\.yaml .*: line 1: /),
    })
  })

  it('that have changed let the same release be deployed again', async () => {
    const first = await room.deploy()
    const { rows } = await room.database.pool.query<{ release_id: string }>(
      'select release_id from deployments',
    )
    const release = rows[0]?.release_id ?? ''
    await expect(room.redeploy(release)).rejects.toMatchObject({
      code: 'resource_conflict',
      details: { deployment_id: first.id },
    })
    await room.remote.commit({ [`${place}/overlay.yaml`]: 'namespace: other' })
    const preview = await previewDeployment(room.deps, {
      principal: { id: 'x', name: 'x', roles: ['viewer'], repositories: null },
      request: { release_id: release, environment: 'staging' },
    })
    expect(preview.files[1]?.before).not.toContain('namespace: other')
    expect(preview.files[1]?.after).toContain('namespace: other')
    expect((await room.redeploy(release)).status).toBe('pending')
    expect(await show(`${place}/manifests.yaml`)).toContain('namespace: other')
  })
})
