import type { ReleaseArtifactInput } from '@slipway/contract/releases'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import { collectArtifacts } from './collect-artifacts.ts'

const digest = `sha256:${'b'.repeat(64)}`
const declared = [
  { name: 'image', type: 'container' },
  { name: 'tool', type: 'binary' },
] as const
const given = (
  name: string,
  type: ReleaseArtifactInput['type'],
  uri = `r.test/${name}`,
): ReleaseArtifactInput => ({
  name,
  type,
  tracking_oci_uri: `r.test/${name}:sha-1`,
  primary_published_uri: uri,
})
const made = [
  { ...given('tool', 'binary', 's3://b/tool'), digest },
  { ...given('image', 'container', `r.test/image@${digest}`), digest },
]

function problemsOf(action: () => unknown): string[] {
  try {
    action()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.code).toBe('invalid_request')
    const problems = error.details?.['problems'] as { path: string; message: string }[]
    return problems.map(({ path, message }) => `${path} ${message}`)
  }
  return []
}

describe('collectArtifacts', () => {
  const project = 'api'

  it('takes what the run made, in the order in which it is declared', () => {
    const artifacts = collectArtifacts({ project, declared, given: [], made })
    expect(artifacts.map(({ name }) => name)).toEqual(['image', 'tool'])
    expect(artifacts[0]?.digest).toBe(digest)
  })

  it('takes what is given, with the digest of its URI or of the run that published it there', () => {
    const image = given('image', 'container', `other.test/image@${digest}`)
    const tool = given('tool', 'binary', 's3://b/tool')
    const elsewhere = given('tool', 'binary', 's3://c/tool')
    const collect = (second: ReleaseArtifactInput) =>
      collectArtifacts({ project, declared, given: [second, image], made })
    expect(collect(tool).map((artifact) => artifact.digest)).toEqual([digest, digest])
    expect(collect(elsewhere).map((artifact) => artifact.digest)).toEqual([digest, null])
  })

  it('is fine with nothing where nothing is declared', () => {
    expect(collectArtifacts({ project, declared: [], given: [], made: [] })).toEqual([])
  })

  it('names each one that is missing from the run', () => {
    const found = problemsOf(() => collectArtifacts({ project, declared, given: [], made: [] }))
    expect(found).toHaveLength(2)
    expect(found[0]).toContain('image')
    expect(found[1]).toContain('tool')
  })

  it('names every problem of those that are given at once', () => {
    const wrong = [given('image', 'archive'), given('other', 'binary'), given('image', 'container')]
    const found = problemsOf(() => collectArtifacts({ project, declared, given: wrong, made }))
    expect(found.map((problem) => problem.split(' ')[0])).toEqual([
      '/artifacts/0/type',
      '/artifacts/1/name',
      '/artifacts/2/name',
      '/artifacts',
    ])
    expect(found[1]).toContain('image, tool')
    expect(found[3]).toContain('the artifact tool is not given')
  })
})
