import type { PageLink, Section } from './navigation.ts'
import { outputPath, relativeUrl } from './output-path.ts'
import { escapeHtml, type Heading } from './render-markdown.ts'

export interface ShellInput {
  /** Path of the page in the site. */
  output: string
  title: string
  html: string
  headings: readonly Heading[]
  sections: readonly Section[]
  /** Path of the page in the repository. */
  path: string
}

/** The document around a page: header with search, navigation, what is on the page, the pages beside it. */
export function pageShell(input: ShellInput): string {
  const { output, title, html, sections, path } = input
  const at = (file: string) => escapeHtml(relativeUrl(output, file))
  const contents = input.headings.filter(({ level }) => level === 2 || level === 3)
  const shown = title === '' ? 'Slipway' : title
  return `<!doctype html>
<html lang="en" data-root="${at('index.html').replace(/index\.html$/, '')}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(path === 'docs/README.md' ? 'Slipway: manual' : `${shown} · Slipway manual`)}</title>
<link rel="icon" href="${at('assets/favicon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${at('assets/base.css')}">
<link rel="stylesheet" href="${at('assets/site.css')}">
<script src="${at('assets/theme.js')}"></script>
<script src="${at('assets/site.js')}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<button type="button" class="tool menu" aria-label="Menu" aria-expanded="false" aria-controls="places">☰</button>
<a class="brand" href="${at('index.html')}" aria-label="Slipway manual"><img src="${at('assets/favicon.svg')}" alt="" width="24" height="24"><span>Slipway manual</span></a>
<div class="search" hidden>
<input type="search" id="search" placeholder="Search" role="combobox" aria-label="Search the manual" aria-expanded="false" aria-controls="found" aria-autocomplete="list" autocomplete="off" spellcheck="false">
<kbd aria-hidden="true">/</kbd>
<ul id="found" role="listbox" aria-label="Found" hidden></ul>
<p class="visually-hidden" role="status" id="count"></p>
</div>
<button type="button" class="tool theme" hidden>Theme</button>
</header>
<nav id="places" class="places" aria-label="Pages">
${sections.map((section) => sectionList(section, input)).join('\n')}
</nav>
<main id="content" tabindex="-1">
<article>
${contents.length < 2 ? '' : contentsList(contents, 'small')}
${html}
</article>
${neighbours(input)}
</main>
${contents.length < 2 ? '' : contentsList(contents, 'large')}
</body>
</html>
`
}

function sectionList(section: Section, { path, output }: ShellInput): string {
  const isHere = section.pages.some((page) => page.path === path)
  const items = section.pages.map((page) => {
    const here = page.path === path ? ' aria-current="page"' : ''
    const url = escapeHtml(relativeUrl(output, outputPath(page.path)))
    return `<li><a href="${url}"${here}>${escapeHtml(page.title)}</a></li>`
  })
  const open = isHere || path === 'docs/README.md' ? ' open' : ''
  return `<details${open}><summary>${escapeHtml(section.title)}</summary><ul>${items.join('')}</ul></details>`
}

function contentsList(headings: readonly Heading[], size: 'small' | 'large'): string {
  const items = headings.map(
    ({ level, text, id }) =>
      `<li class="level${level}"><a href="#${id}">${escapeHtml(text)}</a></li>`,
  )
  const list = `<ul>${items.join('')}</ul>`
  return size === 'small'
    ? `<details class="contents small"><summary>On this page</summary>${list}</details>`
    : `<aside class="contents large" aria-label="On this page"><p>On this page</p>${list}</aside>`
}

function neighbours({ sections, path, output }: ShellInput): string {
  const all = sections.flatMap(({ pages }) => pages)
  const index = all.findIndex((page) => page.path === path)
  const [before, after] = index === -1 ? [] : [all[index - 1], all[index + 1]]
  const first = path === 'docs/README.md' ? all[0] : after
  if (before === undefined && first === undefined) return ''
  const link = (page: PageLink | undefined, rel: 'prev' | 'next') =>
    page === undefined
      ? ''
      : `<a rel="${rel}" href="${escapeHtml(relativeUrl(output, outputPath(page.path)))}"><span>${rel === 'prev' ? 'Before' : 'Next'}</span>${escapeHtml(page.title)}</a>`
  return `<nav class="neighbours" aria-label="Pages beside this one">${link(before, 'prev')}${link(first, 'next')}</nav>`
}
