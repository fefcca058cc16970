import { setTimeout as sleep } from 'node:timers/promises'
import { SlipwayError } from '@slipway/sdk'
import { type Context, printJson } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import type { PageFlags } from './list-options.ts'
import { readList } from './read-list.ts'
import { openLiveArea } from './render/live-area.ts'
import { printTable, tableLines } from './render/print-table.ts'
import { terminalWord } from './render/terminal-text.ts'

/** A list of the server's, as a command shows it. */
export interface List<Page> {
  /** Asks for what there is now. */
  read: () => Promise<Page>
  /** What `--json` prints of it. */
  json: (page: Page) => unknown
  header: readonly string[]
  rows: (page: Page) => readonly (readonly string[])[]
  /** Lines below a row. */
  below?: (page: Page, index: number) => readonly string[]
  /** Said where there is none, with the next step. */
  empty: string
  /** How many there are in all, where the server says it, else whether there are more; absent: this is all. */
  total?: (page: Page) => number | 'more' | undefined
  /** The option that shows what comes next, for a list that goes on behind an item. */
  next?: (page: Page) => string | undefined
  /** Milliseconds from one look to the next while it is watched; default: 2 seconds. */
  everyMs?: number
}

/** A list of things of one kind, of which the server says how many there are. */
export interface ListOf<Item> {
  /** What `--json` calls them. */
  name: string
  read: (page: { limit: number; offset: number }) => Promise<{
    items: readonly Item[]
    total: number
  }>
  header: readonly string[]
  row: (item: Item) => readonly string[]
  empty: string
}

/** The same for such a list, in as many requests as it takes. */
export function showListOf<Item>(
  context: Context,
  list: ListOf<Item>,
  flags: PageFlags,
): Promise<number> {
  const { name, header, row, empty } = list
  return showList<{ items: readonly Item[]; total: number }>(
    context,
    {
      read: () => readList(flags, list.read),
      json: ({ items, total }) => ({ [name]: items, total }),
      header,
      rows: ({ items }) => items.map(row),
      total: ({ total }) => total,
      empty,
    },
    flags,
  )
}

interface Flags {
  offset?: number
  watch?: boolean
}

/** The same of an API whose requests are counted by address, and few. */
export const countedEveryMs = 15_000

/** Milliseconds from one look at a list that is watched to the next. */
const lookEveryMs = 2_000

/** Prints a list, and says how to get at the rest of it; with `watch` it goes on until it is stopped. */
export async function showList<Page>(
  context: Context,
  list: List<Page>,
  flags: Flags = {},
): Promise<number> {
  if (flags.watch === true) return watchList(context, list, flags)
  const { io } = context
  const page = await list.read()
  if (context.json) {
    await printJson(io, list.json(page))
    return exitCodes.success
  }
  const rows = list.rows(page)
  if (rows.length > 0) await printTable(context, list.header, rows, belowOf(list, page))
  const note = noteOf(list, page, rows.length, flags)
  if (note !== '') await io.err.write(`${context.errorStyles.dim(terminalWord(note))}\n`)
  return exitCodes.success
}

function belowOf<Page>({ below }: List<Page>, page: Page) {
  return below && ((index: number) => below(page, index))
}

/** What there is to say of a list besides what is in it. */
function noteOf<Page>(list: List<Page>, page: Page, shown: number, { offset = 0 }: Flags): string {
  const total = list.total?.(page)
  if (shown === 0)
    return typeof total === 'number' && total > 0 ? `There are ${total}.` : list.empty
  const next = list.next?.(page)
  if (next !== undefined) return `There are more; go on with ${next}`
  const end = offset + shown
  if (total === 'more') return `There are more; go on with --offset ${end}`
  return total === undefined || end >= total ? '' : `${end} of ${total}; go on with --offset ${end}`
}

async function watchList<Page>(context: Context, list: List<Page>, flags: Flags): Promise<number> {
  const { signal } = context.io
  const show = context.json
    ? showDocuments(context, list)
    : context.io.out.isTerminal
      ? drawTable(context, list, flags)
      : showChanges(context, list, flags)
  try {
    let isFirst = true
    let isAway = false
    for (;;) {
      const page = await list.read().catch((error: unknown) => {
        // What is wrong from the beginning is told; a server that is restarted comes back.
        if (isFirst || !isPassing(error)) throw error
        return null
      })
      if (page !== null) await show.page(page)
      else if (!isAway) await show.away()
      isFirst = false
      isAway = page === null
      await sleep(list.everyMs ?? lookEveryMs, undefined, { signal })
    }
  } finally {
    await show.close()
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof SlipwayError)) return false
  return error.status === 0 || error.status === 429 || error.status >= 500
}

interface Shown<Page> {
  page: (page: Page) => Promise<void>
  away: () => Promise<void>
  close: () => Promise<void>
}

const isAwayNote = 'The server does not answer; it is asked again.'

/** A document each time that the list is another one. */
function showDocuments<Page>({ io }: Context, list: List<Page>): Shown<Page> {
  let last = ''
  return {
    async page(page) {
      const text = JSON.stringify(list.json(page))
      if (text !== last) await io.out.write(`${text}\n`)
      last = text
    },
    away: async () => undefined,
    close: async () => undefined,
  }
}

/** Cells that change while nothing happens. */
const passing = ['TOOK', 'SEEN']

/** A line for each item that is not as it was. */
function showChanges<Page>({ io }: Context, list: List<Page>, flags: Flags): Shown<Page> {
  const keyOf = (row: readonly string[]) =>
    JSON.stringify(row.filter((_, column) => !passing.includes(list.header[column] ?? '')))
  let shown: ReadonlySet<string> | null = null
  return {
    async page(page) {
      const rows = list.rows(page)
      const before = shown
      const news = before === null ? rows : rows.filter((row) => !before.has(keyOf(row)))
      if (before === null && rows.length === 0) {
        await io.err.write(`${terminalWord(noteOf(list, page, 0, flags))}\n`)
      }
      // The newest is the first of a list, and the last line of a log.
      for (const row of news.toReversed()) {
        await io.out.write(`${row.map(terminalWord).filter(Boolean).join('  ')}\n`)
      }
      shown = new Set(rows.map(keyOf))
    },
    away: () => io.err.write(`${isAwayNote}\n`),
    close: async () => undefined,
  }
}

/** The table, drawn over; what has no place on the terminal is counted. */
function drawTable<Page>(context: Context, list: List<Page>, flags: Flags): Shown<Page> {
  const { out } = context.io
  const area = openLiveArea(out)
  let lines: string[] = []
  const draw = (notes: readonly string[]) => {
    const room = Math.max(2, out.rows() - 2 - notes.length)
    const hidden = lines.length - room
    const rest = hidden > 0 ? [context.styles.dim(`and ${hidden} more lines than fit here`)] : []
    return area.draw([...lines.slice(0, room), ...rest, ...notes.map(context.styles.dim)])
  }
  return {
    async page(page) {
      const rows = list.rows(page)
      lines = rows.length === 0 ? [] : tableLines(context, list.header, rows, belowOf(list, page))
      const note = noteOf(list, page, rows.length, flags)
      await draw(note === '' ? [] : [terminalWord(note)])
    },
    away: () => draw([isAwayNote]),
    close: () => area.close(),
  }
}
