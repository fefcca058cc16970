import { createRequire } from 'node:module'
import createMarkdownIt, { type MarkdownIt, type Token } from 'markdown-it'

/**
 * What is used of highlight.js. Its own types refer to those of browsers, which would then count in every file that is
 * checked together with this one.
 */
interface Highlighter {
  getLanguage(name: string): unknown
  highlight(code: string, options: { language: string }): { value: string }
  registerLanguage(name: string, language: unknown): void
}

const require = createRequire(import.meta.url)
const hljs = require('highlight.js/lib/core') as Highlighter
for (const name of [
  'bash',
  'dockerfile',
  'http',
  'ini',
  'javascript',
  'json',
  'sql',
  'typescript',
  'yaml',
]) {
  hljs.registerLanguage(name, require(`highlight.js/lib/languages/${name}`))
}

export interface Heading {
  level: number
  /** As it is read. */
  text: string
  id: string
}

export interface RenderedPage {
  title: string
  html: string
  headings: Heading[]
  /** Its text, by the heading that it stands below; null: what stands before the first. */
  texts: { heading: Heading | null; text: string }[]
}

/** What a link or an image of a page leads to, or null where it leads nowhere. */
export type ResolveTarget = (target: string) => string | null

const blocks = new Set(['text', 'code_inline', 'fence', 'code_block', 'softbreak', 'hardbreak'])

/** A page of Markdown as HTML. Tags in it are text; comments at its beginning are for its authors. */
export function renderMarkdown(source: string, resolve: ResolveTarget): RenderedPage {
  const markdown = createMarkdownIt({ html: false, linkify: false, highlight: highlightCode })
  const text = source.replace(/^(?:<!--[\s\S]*?-->\s*)+/, '')
  const tokens = markdown.parse(text, {})
  const headings: Heading[] = []
  const ids = new Set<string>()
  const texts: RenderedPage['texts'] = [{ heading: null, text: '' }]

  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const words = plainText(tokens[index + 1]?.children ?? [])
      const heading = { level: Number(token.tag.slice(1)), text: words, id: uniqueId(words, ids) }
      headings.push(heading)
      texts.push({ heading, text: '' })
      token.attrSet('id', heading.id)
      continue
    }
    for (const child of token.children ?? [token]) {
      rewrite(child, resolve)
      const last = texts.at(-1)
      const isHeading = tokens[index - 1]?.type === 'heading_open'
      if (last !== undefined && !isHeading && blocks.has(child.type))
        last.text += `${child.content} `
    }
    const last = texts.at(-1)
    if (last !== undefined) last.text += ' '
  }
  addAnchors(markdown, headings)
  wrapTables(markdown)
  return {
    title: headings.find(({ level }) => level === 1)?.text ?? '',
    html: markdown.renderer.render(tokens, markdown.options, {}),
    headings,
    texts: texts.map((each) => ({ ...each, text: each.text.replaceAll(/\s+/g, ' ').trim() })),
  }
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map(({ type, content }) => (type === 'text' || type === 'code_inline' ? content : ''))
    .join('')
}

/** As GitHub makes them, so that links hold there, too. */
function uniqueId(text: string, ids: Set<string>): string {
  const id = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
  for (let n = 0; ; n++) {
    const numbered = n === 0 ? id : `${id}-${n}`
    if (ids.has(numbered)) continue
    ids.add(numbered)
    return numbered
  }
}

function rewrite(token: Token, resolve: ResolveTarget): void {
  const attribute = token.type === 'link_open' ? 'href' : token.type === 'image' ? 'src' : null
  if (attribute === null) return
  const found = resolve(decodeURI(String(token.attrGet(attribute) ?? '')))
  if (found !== null) token.attrSet(attribute, found)
  else token.attrs = (token.attrs ?? []).filter(([name]) => name !== attribute)
  if (attribute === 'src') token.attrSet('loading', 'lazy')
}

function addAnchors(markdown: MarkdownIt, headings: readonly Heading[]): void {
  const byId = new Map(headings.map((heading) => [heading.id, heading]))
  let open = ''
  markdown.renderer.rules['heading_open'] = (tokens, index, options, _env, self) => {
    open = String(tokens[index]?.attrGet('id') ?? '')
    return self.renderToken(tokens, index, options)
  }
  markdown.renderer.rules['heading_close'] = (tokens, index, options, _env, self) => {
    const end = self.renderToken(tokens, index, options)
    const heading = byId.get(open)
    if (heading === undefined || heading.level === 1) return end
    const label = escapeHtml(`Link to ${heading.text}`)
    return ` <a class="anchor" href="#${heading.id}" aria-label="${label}">#</a>${end}`
  }
}

function wrapTables(markdown: MarkdownIt): void {
  markdown.renderer.rules['table_open'] = () => '<div class="wide"><table>\n'
  markdown.renderer.rules['table_close'] = () => '</table></div>\n'
}

function highlightCode(code: string, language: string): string {
  const known = language === 'sh' ? 'bash' : language
  if (hljs.getLanguage(known) === undefined) return ''
  return hljs.highlight(code, { language: known }).value
}

/** A file of the repository, with colours where its kind is known. */
export function renderFile(path: string, text: string): string {
  const name = path.split('/').at(-1) ?? ''
  const kind = name === 'Dockerfile' ? 'dockerfile' : (kinds[name.split('.').at(-1) ?? ''] ?? '')
  const html = highlightCode(text, kind)
  return `<pre><code>${html === '' ? escapeHtml(text) : html}</code></pre>`
}

const kinds: Readonly<Record<string, string>> = {
  js: 'javascript',
  json: 'json',
  sh: 'bash',
  sql: 'sql',
  toml: 'ini',
  ts: 'typescript',
  yaml: 'yaml',
  yml: 'yaml',
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
