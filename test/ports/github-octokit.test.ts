// The port github by octokit, against a stand-in that is held to GitHub's published API description.
import { generateKeyPairSync } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createOctokitGitHub } from '../../packages/server/src/adapters/github/octokit/create-octokit-github.ts'
import { GitHubError } from '../../packages/server/src/ports/github.ts'
import { readApiDescription } from '../support/github/api-description.ts'
import { howToRegenerate, openApiVersion, operationIds } from '../support/github/operations.ts'
import {
  garbage,
  type GitHubStandIn,
  limits,
  refusal,
  startGitHubStandIn,
} from '../support/github/stand-in.ts'
import type { KnownCredential } from '../support/github/tokens.ts'

const token = 'ghp_a_token_nobody_may_see'
const repository = 'acme/shop'
const sha = 'a'.repeat(40)
const never = new AbortController().signal
let standIn: GitHubStandIn

async function standInFor(credential: KnownCredential): Promise<GitHubStandIn> {
  const started = await startGitHubStandIn(credential)
  onTestFinished(async () => {
    await started.close()
    expect(started.violations).toEqual([])
  })
  return started
}
const open = (more: { timeoutMs?: number } = {}) =>
  createOctokitGitHub({
    apiUrl: standIn.url,
    credential: { kind: 'token', token },
    version: '1.2.3',
    ...more,
  })
const status = (state: 'pending' | 'success' = 'pending', description = 'Waiting') => ({
  commitSha: sha,
  state,
  context: 'ci/slipway',
  description,
  targetUrl: 'https://slipway.example/v1/runs/1',
})
const deployment = {
  commitSha: sha,
  environment: 'staging',
  production: false,
  task: 'deploy:api',
  description: 'api #4',
  key: '0198c5a2-8d4e-7c3a-9f10-000000000001',
}
const release = {
  tag: 'api/v1.2.3',
  commitSha: sha,
  name: 'api v1.2.3',
  notes: 'What is new',
  listChanges: true,
  prerelease: false,
}
async function failureOf(promise: Promise<unknown>): Promise<GitHubError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(GitHubError)
  const failure = error as GitHubError
  expect(`${failure.message} ${JSON.stringify(failure)}`).not.toContain(token)
  expect(failure.cause).toBeUndefined()
  return failure
}

describe('the description of GitHub', () => {
  it('is of the version and the operations that are asked for', () => {
    const { source, operations } = readApiDescription()
    expect(source, howToRegenerate).toContain(`@octokit/openapi ${openApiVersion}`)
    expect(operations.toSorted(), howToRegenerate).toEqual([...operationIds].toSorted())
  })
})

describe('a token', () => {
  beforeEach(async () => void (standIn = await standInFor({ token })))

  it('shows the status of a commit', async () => {
    await open().createCommitStatus(repository, status(), never)
    await open().createCommitStatus(repository, { ...status('success'), targetUrl: null }, never)
    expect(standIn.statuses).toEqual([
      {
        repository,
        sha,
        state: 'pending',
        context: 'ci/slipway',
        description: 'Waiting',
        target_url: 'https://slipway.example/v1/runs/1',
      },
      expect.objectContaining({ state: 'success', target_url: null }),
    ])
    expect(standIn.seen[0]?.headers).toMatchObject({
      'x-github-api-version': '2022-11-28',
      accept: 'application/vnd.github.v3+json',
    })
  })

  it('finds the commit of a tag, or says that there is none', async () => {
    standIn.commits.set('tags/v1.2.3', sha)
    expect(await open().findCommit(repository, 'tags/v1.2.3', never)).toBe(sha)
    expect(await open().findCommit(repository, 'tags/v9', never)).toBeNull()
    standIn.unknown.add(repository)
    expect(await open().findCommit(repository, 'tags/v1.2.3', never)).toBeNull()
  })

  it('makes a deployment that it finds again, and says what became of it', async () => {
    const github = open()
    expect(await github.findDeployment(repository, deployment, never)).toBeNull()
    const id = await github.createDeployment(repository, deployment, never)
    expect(await github.findDeployment(repository, deployment, never)).toBe(id)
    const other = { ...deployment, key: '0198c5a2-8d4e-7c3a-9f10-000000000002' }
    expect(await github.findDeployment(repository, other, never)).toBeNull()
    await github.createDeploymentStatus(
      repository,
      { deploymentId: id, state: 'success', description: 'Active', logUrl: 'https://x.example/' },
      never,
    )
    expect(standIn.deployments).toMatchObject([
      {
        ref: sha,
        environment: 'staging',
        production_environment: false,
        task: 'deploy:api',
        statuses: [{ state: 'success', description: 'Active', log_url: 'https://x.example/' }],
      },
    ])
    const bodies = standIn.seen.map(({ body }) => body)
    expect(bodies).toContainEqual(
      expect.objectContaining({ auto_merge: false, required_contexts: [] }),
    )
    expect(bodies).toContainEqual(expect.objectContaining({ auto_inactive: false }))
  })

  it('makes the release of a tag once, and changes its notes', async () => {
    const github = open()
    expect(await github.findRelease(repository, release.tag, never)).toBeNull()
    const made = await github.ensureRelease(repository, release, never)
    expect(made).toMatchObject({
      notes: 'What is new',
      url: `${standIn.url}/acme/shop/releases/tag/api/v1.2.3`,
    })
    expect(await github.ensureRelease(repository, { ...release, notes: 'Else' }, never)).toEqual(
      made,
    )
    await github.updateRelease(repository, { id: made.id, notes: 'Better' }, never)
    expect(await github.findRelease(repository, release.tag, never)).toMatchObject({
      notes: 'Better',
    })
    expect(standIn.releases).toMatchObject([{ tag_name: release.tag, target_commitish: sha }])
    expect(standIn.seen.map(({ body }) => body)).toContainEqual(
      expect.objectContaining({ make_latest: 'legacy', generate_release_notes: true }),
    )
  })

  it('takes the release that somebody else made at the same moment', async () => {
    const [one, two] = await Promise.all([
      open().ensureRelease(repository, release, never),
      open().ensureRelease(repository, release, never),
    ])
    expect(one).toEqual(two)
    expect(standIn.releases).toHaveLength(1)
  })

  it('sends a file as a stream of known length, once under its name, and takes it away', async () => {
    const github = open()
    const made = await github.ensureRelease(repository, release, never)
    const content = Buffer.alloc(3_000_000, 'x')
    const upload = {
      release: made,
      name: 'api linux.tar.gz',
      mediaType: 'application/gzip',
      size: content.length,
      open: () => Readable.from([content.subarray(0, 1_000_000), content.subarray(1_000_000)]),
    }
    const asset = await github.uploadReleaseAsset(repository, upload, never)
    expect(asset).toMatchObject({ name: upload.name, size: content.length, uploaded: true })
    const [kept] = standIn.assets
    expect(kept?.contentType).toBe('application/gzip')
    expect(kept?.content.equals(content)).toBe(true)
    expect(standIn.seen.at(-1)?.headers['content-length']).toBe('3000000')
    expect(await github.listReleaseAssets(repository, made.id, never)).toEqual([asset])
    const again = await failureOf(github.uploadReleaseAsset(repository, upload, never))
    expect(again.reason).toBe('invalid')
    expect(again.message).toContain('already_exists')
    await github.deleteReleaseAsset(repository, asset.id, never)
    await github.deleteReleaseAsset(repository, asset.id, never)
    expect(await github.listReleaseAssets(repository, made.id, never)).toEqual([])
  })

  it('lists the assets of more than one page', async () => {
    const made = await open().ensureRelease(repository, release, never)
    const assets = standIn.assets as unknown[]
    for (let id = 1000; id < 1130; id++) {
      const contentType = 'text/plain'
      assets.push({ id, releaseId: made.id, name: `f${id}`, contentType, content: Buffer.of(1) })
    }
    expect(await open().listReleaseAssets(repository, made.id, never)).toHaveLength(130)
  })

  it('never sends its token to uploads in the clear where the API is not', async () => {
    const github = createOctokitGitHub({
      apiUrl: 'https://api.github.example',
      credential: { kind: 'token', token },
      version: '1.2.3',
    })
    const upload = {
      release: {
        id: 1,
        uploadUrl: `${standIn.url}/uploads/repos/acme/shop/releases/1/assets{?name}`,
      },
      name: 'x',
      mediaType: 'text/plain',
      size: 1,
      open: () => Readable.from(['x']),
    }
    expect((await failureOf(github.uploadReleaseAsset(repository, upload, never))).reason).toBe(
      'away',
    )
    expect(standIn.seen).toEqual([])
  })
})

describe('a failure', () => {
  beforeEach(async () => void (standIn = await standInFor({ token })))
  const tell = (options: { timeoutMs?: number } = {}) =>
    failureOf(open(options).createCommitStatus(repository, status(), never))

  it.each([
    ['a connection that breaks off', { kind: 'hang up' } as const],
    ['a page that is no API', garbage],
    ['an answer without what was asked for', { kind: 'answer', status: 201, body: '{}' } as const],
    ['500', refusal(500, 'Server Error')],
    ['502', { kind: 'answer', status: 502, body: '<html>' } as const],
  ])('is "away": %s', async (_, fault) => {
    standIn.behave(() => fault)
    expect(await tell()).toMatchObject({ reason: 'away', retryAfterMs: null })
    expect(standIn.seen).toHaveLength(1)
  })

  it('is "away" when nothing listens there', async () => {
    const { url } = standIn
    const github = createOctokitGitHub({
      apiUrl: url.replace(/:\d+$/, ':1'),
      credential: { kind: 'token', token },
      version: '1.2.3',
    })
    const failure = await failureOf(github.createCommitStatus(repository, status(), never))
    expect(failure.reason).toBe('away')
  })

  it('is "away" when no answer comes in time, and the caller’s own reason when it gives up', async () => {
    standIn.behave(() => ({ kind: 'never answer' }))
    expect(await tell({ timeoutMs: 50 })).toMatchObject({ reason: 'away' })
    const leaving = new AbortController()
    const asked = open().createCommitStatus(repository, status(), leaving.signal)
    await expect.poll(() => standIn.seen.length).toBe(2)
    leaving.abort(new Error('gave up'))
    await expect(asked).rejects.toThrow('gave up')
  })

  it('is "away" when an answer does not end', async () => {
    standIn.behave(() => ({ kind: 'answer', status: 201, body: 'x'.repeat(11 * 1024 * 1024) }))
    expect((await tell()).reason).toBe('away')
  })

  it.each([
    [401, 'Bad credentials', 'refused'],
    [403, 'Resource not accessible by integration', 'refused'],
    [404, 'Not Found', 'missing'],
    [410, 'Gone', 'missing'],
    [422, 'No commit found for SHA', 'invalid'],
    [409, 'Conflict', 'invalid'],
  ])('of %i (%s) is "%s", with what GitHub says', async (code, message, reason) => {
    standIn.behave(() => refusal(code, message))
    const failure = await tell()
    expect(failure.reason).toBe(reason)
    expect(failure.message).toContain(`${code} (${message})`)
  })

  it('is "limited" by the primary limit until it is reset', async () => {
    standIn.behave(() => limits.primary(120))
    const { reason, retryAfterMs } = await tell()
    expect(reason).toBe('limited')
    expect(retryAfterMs).toBeGreaterThan(100_000)
    expect(retryAfterMs).toBeLessThan(130_000)
  })

  it('is "limited" by the secondary limit, and asks nothing more until then', async () => {
    standIn.behave(() => limits.secondary(60))
    const github = open()
    const first = await failureOf(github.createCommitStatus(repository, status(), never))
    expect(first).toMatchObject({ reason: 'limited', retryAfterMs: 60_000 })
    standIn.behave(null)
    const second = await failureOf(github.createCommitStatus(repository, status(), never))
    expect(second.reason).toBe('limited')
    expect(second.retryAfterMs).toBeGreaterThan(50_000)
    expect(standIn.seen).toHaveLength(1)
  })

  it('asks for few things at once, and refuses what would wait behind too many', async () => {
    standIn.behave(() => ({ kind: 'never answer' }))
    const github = open()
    const leaving = new AbortController()
    const asked = Array.from({ length: 204 }, () =>
      github
        .createCommitStatus(repository, status(), leaving.signal)
        .catch((error: unknown) => error),
    )
    await expect.poll(() => standIn.seen.length).toBe(4)
    const refused = await failureOf(github.createCommitStatus(repository, status(), never))
    expect(refused.reason).toBe('away')
    leaving.abort(new Error('enough'))
    expect(new Set(await Promise.all(asked))).toEqual(new Set([leaving.signal.reason]))
    standIn.behave(null)
    await github.createCommitStatus(repository, status(), never)
    expect(standIn.seen).toHaveLength(5)
  })
})

describe('a GitHub App', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const tokens: string[] = []
  const openApp = (type: 'pkcs1' | 'pkcs8' = 'pkcs1') =>
    createOctokitGitHub({
      apiUrl: standIn.url,
      credential: {
        kind: 'app',
        appId: '4711',
        privateKey: privateKey.export({ type, format: 'pem' }).toString(),
      },
      version: '1.2.3',
    })
  beforeEach(async () => {
    tokens.length = 0
    standIn = await standInFor({ appId: '4711', publicKey, tokens })
  })

  it.each(['pkcs1', 'pkcs8'] as const)(
    'finds where it is installed and uses one token for all (%s)',
    async (type) => {
      const github = openApp(type)
      await github.createCommitStatus(repository, status(), never)
      await github.createCommitStatus(repository, status('success'), never)
      expect(standIn.seen.map(({ operation }) => operation)).toEqual([
        'apps/get-repo-installation',
        'apps/create-installation-access-token',
        'repos/create-commit-status',
        'repos/create-commit-status',
      ])
      expect(standIn.statuses.map(({ state }) => state)).toEqual(['pending', 'success'])
    },
  )

  it('asks for another token where the one it has is no longer good, once', async () => {
    const github = openApp()
    await github.createCommitStatus(repository, status(), never)
    tokens.length = 0
    await github.createCommitStatus(repository, status('success'), never)
    expect(standIn.statuses).toHaveLength(2)
    standIn.behave(({ operation }) =>
      operation === 'repos/create-commit-status' ? refusal(401, 'Bad credentials') : undefined,
    )
    const before = standIn.seen.length
    const failure = await failureOf(github.createCommitStatus(repository, status(), never))
    expect(failure.reason).toBe('refused')
    expect(standIn.seen.length - before).toBeLessThanOrEqual(4)
  })

  it('is "missing" where it is not installed', async () => {
    standIn.unknown.add(repository)
    const failure = await failureOf(openApp().createCommitStatus(repository, status(), never))
    expect(failure.reason).toBe('missing')
  })
})
