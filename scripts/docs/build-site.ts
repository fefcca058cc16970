import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type PageLink, readNavigation, type Section } from './navigation.ts'
import { outputPath, relativeUrl } from './output-path.ts'
import { pageShell } from './page-shell.ts'
import { escapeHtml, renderFile, renderMarkdown, type RenderedPage } from './render-markdown.ts'

/** Bytes of a file that a page about a directory shows; larger ones are named only. */
const shownBytes = 20_000
const index = 'docs/README.md'

export interface BuiltSite {
  pages: number
  /** Links that lead nowhere, pages that are in no list: one sentence each. */
  problems: string[]
}

interface Link {
  from: string
  to: string
  anchor: string | null
}

/**
 * The manual as files that any web server can show: the pages of docs/, and whatever of the repository they link to.
 * `root`: the repository; `out`: an own directory, which is emptied first.
 */
export async function buildSite({ root, out }: { root: string; out: string }): Promise<BuiltSite> {
  const problems: string[] = []
  const links: Link[] = []
  const rendered = new Map<string, RenderedPage>()
  const images = new Set<string>()
  const names = await readdir(join(root, 'docs'), { recursive: true })
  const queue = names
    .map((name) => posix.join('docs', name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.md'))
  const seen = new Set(queue)

  const resolveFrom = (from: string) => (target: string) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return target
    const [file = '', anchor = null] = target.split('#')
    const to = file === '' ? from : posix.normalize(posix.join(posix.dirname(from), file))
    if (to.startsWith('..') || !existsSync(join(root, to))) {
      problems.push(`${from}: there is no ${target}`)
      return null
    }
    if (/\.(?:png|svg|jpg|webp|gif)$/.test(to)) images.add(to)
    else if (!seen.has(to)) {
      seen.add(to)
      queue.push(to)
    }
    links.push({ from, to, anchor })
    const url = file === '' ? '' : relativeUrl(outputPath(from), outputPath(to))
    return `${url}${anchor === null ? '' : `#${anchor}`}`
  }

  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    rendered.set(path, await renderPath(root, path, resolveFrom(path)))
  }
  for (const { from, to, anchor } of links) {
    if (anchor === null || rendered.get(to)?.headings.some(({ id }) => id === anchor)) continue
    problems.push(`${from}: no heading of ${to} has the anchor ${anchor}`)
  }

  const sections = withUnlisted(
    readNavigation(await readFile(join(root, index), 'utf8')),
    rendered,
    problems,
  )
  await rm(out, { recursive: true, force: true })
  await writePages(out, rendered, sections)
  for (const path of images) {
    const to = join(out, outputPath(path))
    await mkdir(dirname(to), { recursive: true })
    await cp(join(root, path), to)
  }
  await writeAssets(root, out, rendered, sections)
  return { pages: rendered.size, problems }
}

async function renderPath(
  root: string,
  path: string,
  resolve: (target: string) => string | null,
): Promise<RenderedPage> {
  const file = join(root, path)
  if ((await stat(file)).isDirectory()) return renderDirectory(root, path)
  const text = await readFile(file, 'utf8')
  if (path.endsWith('.md')) return renderMarkdown(text, resolve)
  return plainPage(path, renderFile(path, text))
}

/** What is in a directory, small files as they are. */
async function renderDirectory(root: string, path: string): Promise<RenderedPage> {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(root, posix.join(entry.parentPath, entry.name)))
    .toSorted()
  const parts = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(root, file), 'utf8')
      const shown =
        text.length > shownBytes
          ? `<p>${text.length.toLocaleString('en-GB')} characters, in the repository.</p>`
          : renderFile(file, text)
      return `<h2>${escapeHtml(file.slice(path.length).replace(/^\//, ''))}</h2>\n${shown}`
    }),
  )
  return plainPage(path, parts.join('\n'))
}

function plainPage(path: string, html: string): RenderedPage {
  const title = path.replace(/\/$/, '')
  return { title, html: `<h1>${escapeHtml(title)}</h1>\n${html}`, headings: [], texts: [] }
}

/** A page of docs/ that the index has not is at the end, and a problem. */
function withUnlisted(
  sections: Section[],
  rendered: ReadonlyMap<string, RenderedPage>,
  problems: string[],
): Section[] {
  const listed = new Set(sections.flatMap(({ pages }) => pages.map(({ path }) => path)))
  const missing: PageLink[] = [...rendered]
    .filter(([path]) => /^docs\/.*\.md$/.test(path) && path !== index && !listed.has(path))
    .map(([path, { title }]) => ({ path, title }))
  problems.push(...missing.map(({ path }) => `${index} does not list ${path}`))
  return missing.length === 0 ? sections : [...sections, { title: 'More', pages: missing }]
}

async function writePages(
  out: string,
  rendered: ReadonlyMap<string, RenderedPage>,
  sections: readonly Section[],
): Promise<void> {
  for (const [path, page] of rendered) {
    const output = outputPath(path)
    const { title, html, headings } = page
    await write(out, output, pageShell({ output, title, html, headings, sections, path }))
  }
}

/** Styles and scripts, those of the dashboard among them, and what is searched. */
async function writeAssets(
  root: string,
  out: string,
  rendered: ReadonlyMap<string, RenderedPage>,
  sections: readonly Section[],
): Promise<void> {
  const web = join(root, 'packages/web')
  const here = join(import.meta.dirname, 'site')
  const minisearch = dirname(createRequire(import.meta.url).resolve('minisearch'))
  const files: Record<string, string> = {
    'base.css': join(web, 'src/ui/base.css'),
    'favicon.svg': join(web, 'public/favicon.svg'),
    'theme.js': join(web, 'public/theme.js'),
    'site.css': join(here, 'site.css'),
    'site.js': join(here, 'site.js'),
    'minisearch.js': join(minisearch, '../umd/index.js'),
  }
  for (const [name, file] of Object.entries(files)) {
    const text = await readFile(file, 'utf8')
    await write(out, `assets/${name}`, text.replace(/\n\/\/# sourceMappingURL=.*/, ''))
  }
  const order = sections.flatMap(({ pages }) => pages.map(({ path }) => path))
  const searched = [index, ...order].flatMap((path) => {
    const page = rendered.get(path)
    return page === undefined ? [] : searchEntries(path, page)
  })
  // A script, not JSON: pages that are opened from a disk may not fetch.
  await write(out, 'assets/search-entries.js', `searchEntries = ${JSON.stringify(searched)}\n`)
}

/** One for each heading: where it is, what it is called, what stands below it. */
function searchEntries(path: string, page: RenderedPage): object[] {
  const isReference = path.startsWith('docs/reference/')
  return page.texts
    .filter(({ heading, text }) => heading !== null || text !== '')
    .map(({ heading, text }) => {
      const isTop = heading === null || heading.level === 1
      return {
        url: `${outputPath(path)}${isTop ? '' : `#${heading.id}`}`,
        page: page.title,
        title: isTop ? page.title : heading.text,
        // Tables and examples of the reference would be most of what is to be loaded.
        text: isReference ? text.slice(0, 160) : text,
      }
    })
}

async function write(out: string, path: string, text: string): Promise<void> {
  const file = join(out, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  await writeFile(`${file}.gz`, await promisify(gzip)(text))
}
