import { describe, expect, it } from 'vitest'
import type { Workflow } from '../ports/github-actions.ts'
import { matchWorkflow } from './match-workflow.ts'

const workflow = (id: number, name: string, file: string, state = 'active'): Workflow => ({
  id,
  name,
  path: `.github/workflows/${file}`,
  state,
})

const ci = workflow(1, 'CI/CD Pipeline', 'ci.yml')
const release = workflow(2, 'Release', 'release.yml')
const other = workflow(3, 'Release', 'release-docs.yml')
const gone = workflow(4, 'Old', 'old.yml', 'deleted')
const confusing = workflow(5, 'ci.yml', '1')
const all = [ci, release, other, gone, confusing]

describe('matchWorkflow', () => {
  it.each([
    ['CI/CD Pipeline', ci],
    ['release.yml', release],
    ['.github/workflows/release-docs.yml', other],
    ['2', release],
    // A file comes before a name, and before an id.
    ['ci.yml', ci],
    ['1', confusing],
  ])('finds %s', (text, found) => {
    const byName = text === found.name
    expect(matchWorkflow(all, text)).toEqual({ kind: 'one', workflow: found, byName })
  })

  it('names all that share a name', () => {
    expect(matchWorkflow(all, 'Release')).toEqual({ kind: 'several', workflows: [release, other] })
  })

  it.each(['Old', 'old.yml', 'release', 'CI/CD pipeline', '99'])('finds nothing for %s', (text) => {
    expect(matchWorkflow(all, text)).toEqual({ kind: 'none' })
  })
})
