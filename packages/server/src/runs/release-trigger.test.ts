import type { ProjectConfig } from '@slipway/forge'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makesArtifacts, releaseTrigger, versionOfTag } from './release-trigger.ts'

const monorepo = { strategy: 'monorepo' } as const
const tagAll = { strategy: 'tag-all' } as const
const project = (...on: ProjectConfig['release']['on']) => ({ name: 'api', release: { on } })
const everything = project(
  { type: 'branch', branch: 'main|release/.*' },
  { type: 'tag' },
  { type: 'manual' },
)
const push = (branch: string) => ({ branch, triggerType: 'push', trusted: true }) as const
const manual = (branch: string) => ({ branch, triggerType: 'manual', trusted: true }) as const

describe('releaseTrigger', () => {
  it('takes a push to a branch whose whole name matches', () => {
    expect(releaseTrigger(push('main'), monorepo, everything)).toBe('branch_push')
    expect(releaseTrigger(push('release/1.0'), monorepo, everything)).toBe('branch_push')
    expect(releaseTrigger(push('main-2'), monorepo, everything)).toBeNull()
    expect(releaseTrigger(push('not-main'), monorepo, everything)).toBeNull()
    expect(releaseTrigger(push('main'), monorepo, project({ type: 'tag' }))).toBeNull()
  })

  it('takes no branch of a run by hand, and nothing of a pull request or from outside', () => {
    expect(releaseTrigger(manual('main'), monorepo, everything)).toBeNull()
    fc.assert(
      fc.property(fc.constantFrom('main', 'refs/tags/api/v1', 'refs/tags/v1'), (branch) => {
        for (const occasion of [
          { branch, triggerType: 'pull_request', trusted: true } as const,
          { ...push(branch), trusted: false },
          { ...manual(branch), trusted: false },
        ]) {
          expect(releaseTrigger(occasion, monorepo, everything)).toBeNull()
          expect(makesArtifacts(occasion, monorepo, everything)).toBe(false)
        }
      }),
    )
  })

  it('takes a tag of the project, whoever asked for the run', () => {
    for (const occasion of [push('refs/tags/api/v1.2.3'), manual('refs/tags/api/v1.2.3')]) {
      expect(releaseTrigger(occasion, monorepo, everything)).toBe('tag')
      expect(releaseTrigger(occasion, tagAll, everything)).toBeNull()
    }
    expect(releaseTrigger(push('refs/tags/v1.2.3'), tagAll, everything)).toBe('tag')
    expect(releaseTrigger(push('refs/tags/v1.2.3'), monorepo, everything)).toBeNull()
    expect(releaseTrigger(push('refs/tags/web/v1'), monorepo, everything)).toBeNull()
    expect(
      releaseTrigger(push('refs/tags/api/v1'), monorepo, project({ type: 'manual' })),
    ).toBeNull()
  })
})

describe('versionOfTag', () => {
  it.each([
    ['refs/tags/api/v1.2.3', monorepo, 'v1.2.3'],
    ['refs/tags/api/v', monorepo, null],
    ['refs/tags/api/1.2.3', monorepo, null],
    ['refs/tags/api/v1/x', monorepo, null],
    ['refs/tags/apis/v1', monorepo, null],
    ['refs/tags/v2', tagAll, 'v2'],
    ['refs/tags/api/v2', tagAll, null],
    ['refs/heads/v2', tagAll, null],
    ['v2', tagAll, null],
  ])('%s', (ref, tagging, version) => {
    expect(versionOfTag(ref, tagging, 'api')).toBe(version)
  })
})

describe('makesArtifacts', () => {
  it('also where somebody may release the run by hand', () => {
    expect(makesArtifacts(manual('feature'), monorepo, everything)).toBe(true)
    expect(makesArtifacts(manual('feature'), monorepo, project({ type: 'tag' }))).toBe(false)
    expect(makesArtifacts(push('feature'), monorepo, everything)).toBe(false)
    expect(makesArtifacts(push('main'), monorepo, everything)).toBe(true)
  })
})
