import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createOctokitGitHub } from '../../packages/server/src/adapters/github/octokit/create-octokit-github.ts'
import { createGithubPublisher } from '../../packages/server/src/adapters/publisher/github/create-github-publisher.ts'
import type { ArtifactIdentity } from '../../packages/server/src/ports/publisher.ts'
import { type GitHubStandIn, startGitHubStandIn } from '../support/github/stand-in.ts'
import { artifact, fileContent, unaborted } from './publisher.suite.ts'

// Against a stand-in that is held to GitHub's published API description.

const token = 'ghp_a_token_nobody_may_see'
const tagged = { ...artifact, ref: 'refs/tags/api/v1.2.3-rc.1' }
let standIn: GitHubStandIn

beforeEach(async () => {
  const started = await startGitHubStandIn({ token })
  standIn = started
  onTestFinished(async () => {
    await started.close()
    expect(started.violations).toEqual([])
  })
})

function publish(
  content = fileContent(100),
  of: ArtifactIdentity = tagged,
  keys: Record<string, unknown> = {},
) {
  const publisher = createGithubPublisher({
    openGitHub: async () =>
      createOctokitGitHub({
        apiUrl: standIn.url,
        credential: { kind: 'token', token },
        version: '1.2.3',
      }),
  })
  return publisher.publish(
    { artifact: of, content, with: keys, credential: null, askedBy: null },
    unaborted,
  )
}

describe('publisher github', () => {
  it('makes the release of the tag and uploads to it', async () => {
    const content = fileContent(70_000)
    const published = await publish(content)
    if ('skipped' in published) throw new Error(published.skipped)
    expect(published.digest).toBe(content.digest)
    expect(standIn.releases).toMatchObject([{ tag_name: 'api/v1.2.3-rc.1', prerelease: true }])
    const [asset] = standIn.assets
    expect(asset?.name).toBe('tool.tar.gz')
    expect(asset?.content.equals(content.bytes)).toBe(true)
  })

  it('changes nothing when it publishes again, and replaces nothing', async () => {
    const content = fileContent(100)
    const first = await publish(content)
    expect(await publish(content)).toEqual(first)
    expect(standIn.assets).toHaveLength(1)
    await expect(publish(fileContent(101))).rejects.toMatchObject({
      code: 'resource_conflict',
      message: expect.stringContaining('has another file tool.tar.gz already'),
    })
  })

  it('tells the files of projects apart that one tag releases', async () => {
    await publish(fileContent(10), { ...tagged, ref: 'refs/tags/v1.2.3' })
    expect(standIn.assets).toMatchObject([{ name: 'api-tool.tar.gz' }])
    expect(standIn.releases).toMatchObject([{ prerelease: false }])
  })

  it('publishes to another repository where it is told to', async () => {
    await publish(fileContent(10), tagged, { repository: 'acme/downloads' })
    expect(new Set(standIn.seen.map((seen) => seen.repository))).toEqual(
      new Set(['acme/downloads']),
    )
  })

  it('leaves a branch alone, and says so', async () => {
    expect(await publish(fileContent(10), artifact)).toEqual({
      skipped: 'main is a branch, and assets belong to the release of a tag',
    })
    expect(standIn.seen).toEqual([])
  })

  it('uploads again after an upload that broke off', async () => {
    const content = fileContent(100)
    standIn.behave((request) =>
      request.path.startsWith('/uploads') ? { kind: 'lose the answer' } : undefined,
    )
    await expect(publish(content)).rejects.toMatchObject({ code: 'unavailable' })
    standIn.behave(null)
    const published = await publish(content)
    expect(published).toMatchObject({ digest: content.digest })
    expect(standIn.assets).toHaveLength(1)
  })

  it('says what GitHub refuses, without the token', async () => {
    standIn.unknown.add('acme/shop')
    const error: unknown = await publish().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'resource_not_found' })
    expect(String(error)).not.toContain(token)
  })
})
