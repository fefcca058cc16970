import { describe, expect, it } from 'vitest'
import { judgeServers } from './judge-servers.ts'
import { fingerprintOf, nameOf } from './server-identity.ts'

const key = Buffer.alloc(32, 1)
const shared = {
  keyFingerprint: fingerprintOf(key),
  gitops: nameOf('https://git.example.test/gitops.git', 'main'),
  objects: nameOf('slipway', ''),
}
const other = { ...shared, name: 'beta' }
const named = (problems: string[]) => problems.map((problem) => problem.split(':')[0])

describe('two servers', () => {
  it('work side by side where they share everything', () => {
    expect(judgeServers(shared, other)).toEqual([])
  })

  it('have to share each of these, and the refusal names the setting', () => {
    const differing = {
      keyFingerprint: fingerprintOf(Buffer.alloc(32, 2)),
      gitops: nameOf('https://git.example.test/gitops.git', 'live'),
      objects: nameOf('slipway', 'other/'),
    }
    expect(
      named(judgeServers({ ...shared, keyFingerprint: differing.keyFingerprint }, other)),
    ).toEqual(['SLIPWAY_MASTER_KEY'])
    expect(named(judgeServers({ ...shared, gitops: differing.gitops }, other))).toEqual([
      'GITOPS_REPOSITORY_URL, GITOPS_BRANCH',
    ])
    expect(named(judgeServers({ ...shared, objects: differing.objects }, other))).toEqual([
      'S3_BUCKET, S3_PREFIX',
    ])
    expect(judgeServers(differing, other)).toHaveLength(3)
  })

  it('may neither of them keep what is shared in a directory of its own, and are told which does', () => {
    const own = { ...shared, gitops: 'embedded', objects: 'files' }
    const whose = (problems: string[]) =>
      problems.map((problem) => /is not set for (.*?), (?:which|whose)/.exec(problem)?.[1])
    expect(whose(judgeServers(own, other))).toEqual(['this server', 'this server'])
    expect(whose(judgeServers(shared, { ...own, name: 'beta' }))).toEqual(['beta', 'beta'])
    expect(named(judgeServers(own, { ...own, name: 'beta' }))).toEqual([
      'GITOPS_REPOSITORY_URL',
      'S3_BUCKET',
    ])
  })

  it('tell keys apart without telling them', () => {
    expect(fingerprintOf(key)).toBe(fingerprintOf(Buffer.from(key)))
    expect(fingerprintOf(key)).not.toBe(fingerprintOf(Buffer.alloc(32, 3)))
    expect(fingerprintOf(key)).not.toContain(key.toString('hex'))
  })
})
