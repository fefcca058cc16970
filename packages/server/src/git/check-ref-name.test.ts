import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { refNameProblem } from './check-ref-name.ts'

const names = [
  'main',
  'release/1.2',
  'refs/tags/v1.0.0',
  'a-b_c',
  'feature/@x',
  'é',
  '-x',
  'a..b',
  'a b',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[b',
  'a\\b',
  '/a',
  'a/',
  'a//b',
  '.a',
  'a/.b',
  'a.lock',
  'a/b.lock/c',
  'a.',
  'a@{b',
  'a\tb',
  'a\u007f',
  'x@y',
  'a.b',
]

describe('refNameProblem', () => {
  it.each(names)('judges %j as git does', (name) => {
    let valid = true
    try {
      execFileSync('git', ['check-ref-format', '--branch', name], { stdio: 'ignore' })
    } catch {
      valid = false
    }
    expect(refNameProblem(name) === null).toBe(valid)
  })

  it('refuses "@" alone, which git reads as HEAD', () => {
    expect(refNameProblem('@')).not.toBeNull()
  })
})
