import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  codeSpans,
  headingAnchors,
  linkTargets,
  type MarkdownPage,
  readPages,
  repositoryRoot,
} from '../support/markdown.ts'

let pages: MarkdownPage[]
beforeAll(async () => void (pages = await readPages()))

/** What is wrong with the links of a page to files and headings of the repository. */
function brokenLinks(page: MarkdownPage, all: readonly MarkdownPage[]): string[] {
  return linkTargets(page.text).flatMap((target) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return []
    const [file = '', anchor] = target.split('#')
    const path = file === '' ? page.path : normalize(join(dirname(page.path), file))
    if (path.startsWith('..') || !existsSync(join(repositoryRoot, path))) {
      return [`${page.path}: there is no ${target}`]
    }
    if (anchor === undefined) return []
    const text = all.find((candidate) => candidate.path === path)?.text
    return text !== undefined && headingAnchors(text).has(anchor)
      ? []
      : [`${page.path}: no heading of ${path} has the anchor ${anchor}`]
  })
}

const sourceRoots = ['.', 'packages/server', 'packages/server/src', 'packages/web/src']

/** Code spans that name a file of the sources which is not there. */
function missingFiles(page: MarkdownPage): string[] {
  return codeSpans(page.text)
    .filter((code) => /^[\w@./-]+\/[\w.-]+\.(ts|js|sql)$/.test(code))
    .filter((path) => !sourceRoots.some((root) => existsSync(join(repositoryRoot, root, path))))
    .map((path) => `${page.path}: there is no ${path}`)
}

describe('the pages', () => {
  it('are all found', () => {
    const paths = pages.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining(['README.md', 'docs/README.md', 'examples/monorepo/README.md']),
    )
  })

  it('link to files and headings that exist', () => {
    expect(pages.flatMap(({ text }) => linkTargets(text)).length).toBeGreaterThan(30)
    expect(pages.flatMap((page) => brokenLinks(page, pages))).toEqual([])
  })

  it('name source files that exist', () => {
    const architecture = pages.find(({ path }) => path === 'ARCHITECTURE.md')
    expect(codeSpans(architecture?.text ?? '')).toContain('runs/start-run.ts')
    expect(pages.flatMap(missingFiles)).toEqual([])
  })

  it('are in the index, each page of docs', () => {
    const index = pages.find(({ path }) => path === 'docs/README.md')
    const targets = linkTargets(index?.text ?? '')
    const unlisted = pages
      .map(({ path }) => /^docs\/([\w-]+\.md)$/.exec(path)?.[1])
      .filter((name) => name !== undefined && name !== 'README.md')
      .filter((name) => !targets.includes(name ?? ''))
    expect(unlisted).toEqual([])
  })
})

describe('what is wrong in a page', () => {
  const other = {
    path: 'docs/events.md',
    text: '# Events\n\n## `a.<b>` and c\n\n## Twice\n\n## Twice',
  }
  const check = (text: string) => brokenLinks({ path: 'docs/cli.md', text }, [other])

  it.each([
    '[x](missing.md)',
    '[x](../../outside.md)',
    '[x](events.md#nowhere)',
    '[x](events.md#twice-2)',
    '[x]: missing.md',
    '![x](missing.png "title")',
  ])('is found: %s', (text) => {
    expect(check(text)).toHaveLength(1)
  })

  it.each([
    '[x](events.md)',
    '[x](events.md#ab-and-c)',
    '[x](events.md#twice-1)',
    '[x](../README.md)',
    '[x](https://example.com/missing.md#y)',
    '`[x](missing.md)`',
    '```\n[x](missing.md)\n```',
  ])('is nothing: %s', (text) => {
    expect(check(text)).toEqual([])
  })

  it('is a source file that is not there', () => {
    const text = 'See `runs/start-run.ts`, `packages/sdk/src/index.ts` and `runs/nothing.ts`.'
    expect(missingFiles({ path: 'x.md', text })).toEqual(['x.md: there is no runs/nothing.ts'])
  })
})
