import { posix } from 'node:path'

/** A part of the manual, as docs/README.md has it. */
export interface Section {
  title: string
  pages: PageLink[]
}

export interface PageLink {
  title: string
  /** Path in the repository, as `docs/tutorial.md`. */
  path: string
}

/**
 * The order of the manual: every `##` of the index is a section, and the first link of every line of its list a
 * page of it. Lines that lead elsewhere are passed over.
 */
export function readNavigation(index: string, path = 'docs/README.md'): Section[] {
  const sections: Section[] = []
  for (const line of index.split('\n')) {
    const heading = /^## (.+)$/.exec(line)?.[1]
    if (heading !== undefined) {
      sections.push({ title: heading.trim(), pages: [] })
      continue
    }
    const [, title, target] = /^- \[([^\]]+)\]\(([^)#:]+\.md)\)/.exec(line) ?? []
    if (title === undefined || target === undefined) continue
    const file = posix.normalize(posix.join(posix.dirname(path), target))
    sections.at(-1)?.pages.push({ title: title.replaceAll('`', ''), path: file })
  }
  return sections.filter(({ pages }) => pages.length > 0)
}
