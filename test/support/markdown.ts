import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url))

export interface MarkdownPage {
  /** Path in the repository. */
  path: string
  text: string
}

export interface Fenced {
  /** What stands behind the opening fence, such as `sh`; '' without. */
  language: string
  /** Line of the page on which the content begins, from 1. */
  line: number
  content: string
}

/** Every page that people read: at the root, in docs and in examples. */
export async function readPages(): Promise<MarkdownPage[]> {
  const folders = await Promise.all([
    markdownIn(repositoryRoot, false),
    markdownIn(join(repositoryRoot, 'docs'), true),
    markdownIn(join(repositoryRoot, 'examples'), true),
  ])
  return Promise.all(
    folders.flat().map(async (file) => ({
      path: relative(repositoryRoot, file),
      text: await readFile(file, 'utf8'),
    })),
  )
}

async function markdownIn(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { recursive, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** The fenced blocks of a page. A block in a list loses the list's indentation. */
export function fencedBlocks(text: string): Fenced[] {
  const blocks: Fenced[] = []
  let open: { indent: string; fence: string; block: Fenced; lines: string[] } | null = null
  for (const [index, line] of text.split('\n').entries()) {
    if (open === null) {
      const [, indent = '', fence = '', language = ''] = /^(\s*)(`{3,})(\S*)/.exec(line) ?? []
      if (fence === '') continue
      open = { indent, fence, block: { language, line: index + 2, content: '' }, lines: [] }
    } else if (line.trim() === open.fence) {
      blocks.push({ ...open.block, content: open.lines.join('\n') })
      open = null
    } else {
      open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line)
    }
  }
  return blocks
}

/** The page with its fenced blocks blanked, line numbers kept. */
function prose(text: string): string {
  const lines = text.split('\n')
  for (const { line, content } of fencedBlocks(text)) {
    const count = content.split('\n').length
    for (let index = line - 2; index <= line - 1 + count; index++) lines[index] = ''
  }
  return lines.join('\n')
}

/** The code spans of a page's prose, as they are read: `\|` of a table is `|`. */
export function codeSpans(text: string): string[] {
  return [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) =>
    code.replaceAll('\\|', '|'),
  )
}

/** The anchors of a page's headings, as GitHub makes them. */
export function headingAnchors(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of prose(text).matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-')
    for (let n = 0; ; n++) {
      const numbered = n === 0 ? anchor : `${anchor}-${n}`
      if (anchors.has(numbered)) continue
      anchors.add(numbered)
      break
    }
  }
  return anchors
}

/** Where the links of a page's prose lead, images and reference definitions included. */
export function linkTargets(text: string): string[] {
  // Code spans are no links, whatever they look like.
  const words = prose(text).replaceAll(/`[^`\n]+`/g, 'code')
  return [
    ...[...words.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].map(([, target = '']) => target),
    ...[...words.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/gm)].map(([, target = '']) => target),
  ]
}
