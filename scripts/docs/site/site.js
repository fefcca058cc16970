/* What the pages of the manual do beyond being read: search, copying, the theme, the menu. */
/* global MiniSearch, searchEntries */
'use strict'

const root = document.documentElement
const base = root.dataset.root ?? ''
const one = (selector) => document.querySelector(selector)

/* Theme: the dashboard keeps it under the same name. */
const themes = ['system', 'light', 'dark']
const themeButton = one('.theme')
function shownTheme() {
  return root.dataset.theme ?? 'system'
}
function sayTheme() {
  themeButton.textContent = { system: '◐', light: '☀', dark: '☾' }[shownTheme()]
  themeButton.setAttribute('aria-label', `Theme: ${shownTheme()}`)
  themeButton.title = `Theme: ${shownTheme()}`
}
themeButton.hidden = false
sayTheme()
themeButton.addEventListener('click', () => {
  const next = themes[(themes.indexOf(shownTheme()) + 1) % themes.length]
  if (next === 'system') delete root.dataset.theme
  else root.dataset.theme = next
  try {
    if (next === 'system') localStorage.removeItem('slipway.theme')
    else localStorage.setItem('slipway.theme', next)
  } catch {
    // It holds until the page is left.
  }
  sayTheme()
})

/* Menu, where the window is narrow. */
const menu = one('.menu')
const places = one('.places')
function openMenu(open) {
  menu.setAttribute('aria-expanded', String(open))
  places.classList.toggle('open', open)
}
menu.addEventListener('click', () => openMenu(menu.getAttribute('aria-expanded') !== 'true'))
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || menu.getAttribute('aria-expanded') !== 'true') return
  openMenu(false)
  menu.focus()
})
one('.places [aria-current]')?.scrollIntoView({ block: 'nearest' })

/* A button to copy each block of code; where that is not allowed, it is selected instead. */
async function copy(block, button) {
  try {
    await navigator.clipboard.writeText(block.textContent.trimEnd())
    button.textContent = 'Copied'
  } catch {
    const range = document.createRange()
    range.selectNodeContents(block)
    const selection = getSelection()
    selection.removeAllRanges()
    selection.addRange(range)
    button.textContent = 'Selected'
  }
  setTimeout(() => (button.textContent = 'Copy'), 2000)
}

for (const block of document.querySelectorAll('article pre')) {
  const frame = document.createElement('div')
  frame.className = 'code'
  block.replaceWith(frame)
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'copy'
  button.textContent = 'Copy'
  button.addEventListener('click', () => void copy(block, button))
  frame.append(block, button)
}

/* What is wider than the page can be scrolled by keyboard. */
function markWide() {
  for (const block of document.querySelectorAll('article pre, .wide')) {
    const isCut = block.scrollWidth > block.clientWidth || block.scrollHeight > block.clientHeight
    if (isCut) block.tabIndex = 0
    else block.removeAttribute('tabindex')
  }
}
markWide()
addEventListener('resize', markWide)

/* Search. */
const field = one('#search')
const found = one('#found')
const count = one('#count')
one('.search').hidden = false
let engine = null
let chosen = -1

function load(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = `${base}assets/${name}`
    script.addEventListener('load', resolve)
    script.addEventListener('error', reject)
    document.head.append(script)
  })
}

async function startEngine() {
  await Promise.all([load('minisearch.js'), load('search-entries.js')])
  const search = new MiniSearch({
    idField: 'url',
    fields: ['title', 'page', 'text'],
    storeFields: ['url', 'title', 'page', 'text'],
    searchOptions: {
      boost: { title: 4, page: 2 },
      prefix: true,
      combineWith: 'AND',
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  })
  search.addAll(searchEntries)
  return search
}

function showFound(results) {
  found.replaceChildren(
    ...results.map((result, index) => {
      const item = document.createElement('li')
      item.id = `found-${index}`
      item.setAttribute('role', 'option')
      item.setAttribute('aria-selected', 'false')
      item.dataset.url = base + result.url
      const title = document.createElement('strong')
      title.textContent = result.title
      const where = document.createElement('span')
      where.textContent = result.title === result.page ? '' : result.page
      const words = document.createElement('p')
      words.textContent = excerpt(result)
      item.append(title, where, words)
      item.addEventListener('mousedown', (event) => event.preventDefault())
      item.addEventListener('click', () => go(item))
      return item
    }),
  )
  choose(results.length > 0 ? 0 : -1)
}

function excerpt({ text, terms }) {
  const lower = text.toLowerCase()
  const places = terms.map((term) => lower.indexOf(term)).filter((place) => place >= 0)
  const from = Math.max(0, Math.min(...places, lower.length) - 40)
  const start = places.length === 0 ? 0 : from
  return `${start > 0 ? '…' : ''}${text.slice(start, start + 140)}${text.length > start + 140 ? '…' : ''}`
}

function choose(index) {
  const items = [...found.children]
  chosen = items.length === 0 ? -1 : (index + items.length) % items.length
  for (const [at, item] of items.entries())
    item.setAttribute('aria-selected', String(at === chosen))
  const item = items[chosen]
  if (item === undefined) field.removeAttribute('aria-activedescendant')
  else field.setAttribute('aria-activedescendant', item.id)
  item?.scrollIntoView({ block: 'nearest' })
}

function go(item) {
  if (item === undefined) return
  close()
  location.href = item.dataset.url
}

function close() {
  found.hidden = true
  field.setAttribute('aria-expanded', 'false')
  field.removeAttribute('aria-activedescendant')
}

async function search() {
  const words = field.value.trim()
  if (words === '') {
    count.textContent = ''
    close()
    return
  }
  engine ??= startEngine()
  let ready
  try {
    ready = await engine
  } catch {
    engine = null
    count.textContent = 'What is searched could not be loaded'
    return
  }
  if (field.value.trim() !== words) return
  const results = ready.search(words).slice(0, 12)
  showFound(results)
  found.hidden = results.length === 0
  field.setAttribute('aria-expanded', String(results.length > 0))
  count.textContent = results.length === 0 ? 'Nothing found' : `${results.length} found`
  count.classList.toggle('visually-hidden', results.length > 0)
}

field.addEventListener('focus', () => void (engine ??= startEngine()).catch(() => (engine = null)))
field.addEventListener('input', () => void search())
field.addEventListener('blur', close)
field.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') choose(chosen + 1)
  else if (event.key === 'ArrowUp') choose(chosen - 1)
  else if (event.key === 'Enter') go(found.hidden ? undefined : found.children[chosen])
  else if (event.key === 'Escape') close()
  else return
  event.preventDefault()
})
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.matches('input, textarea, select')
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  field.focus()
  field.select()
})
