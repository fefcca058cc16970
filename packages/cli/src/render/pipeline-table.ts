import type { Pipeline, PipelineStatus, PipelineStatusResponse } from '@slipway/contract/pipelines'
import { formatDuration, formatInstant } from './format-time.ts'
import { shorten } from './shorten.ts'
import type { Style, Styles } from './styles.ts'
import { formatTable } from './table.ts'
import { terminalWord } from './terminal-text.ts'

const header = ['STATUS', 'REPOSITORY', 'BRANCH', 'WORKFLOW', 'STARTED', 'TOOK', 'RUN']

/** The pipelines as lines of a table, each in the colour of its status, and what there is to say of all. */
export function pipelineLines(answer: PipelineStatusResponse, styles: Styles): string[] {
  return fitPipelines(answer, styles, { columns: Infinity, rows: Infinity })
}

/** The same within so many columns and rows, with notes below: names are shortened, and what has no place is counted. */
export function fitPipelines(
  answer: PipelineStatusResponse,
  styles: Styles,
  { columns, rows }: { columns: number; rows: number },
  notes: readonly string[] = [],
): string[] {
  const cut = (line: string) => shorten(line, columns)
  const old = [...staleLines(answer), ...notes].map((line) => styles.yellow(cut(line)))
  const { pipelines, metadata } = answer
  if (pipelines.length === 0) return [cut('There are no such pipelines.'), ...old]
  const place = Math.max(1, rows - 1 - old.length)
  const isWhole = pipelines.length === metadata.total && pipelines.length <= place
  const shown = isWhole ? pipelines : pipelines.slice(0, Math.max(1, place - 1))
  const [head = '', ...lines] = formatTable(header, fitNames(shown.map(pipelineRow), columns))
    .trimEnd()
    .split('\n')
    .map(cut)
  const more = metadata.total - shown.length
  const how = shown.length < pipelines.length ? ' than fit here' : '; see them with --limit'
  return [
    styles.dim(head),
    ...lines.map((line, index) => line.replace(/^\S+/, statusStyle(shown[index]?.status, styles))),
    ...(more > 0 ? [styles.dim(cut(`and ${more} more${how}`))] : []),
    ...old,
  ]
}

const namesFrom = header.indexOf('REPOSITORY')
const namesTo = header.indexOf('WORKFLOW') + 1
const shortestName = 8

/** Rows whose names leave the other cells their place, as far as that goes. */
function fitNames(table: readonly (readonly string[])[], columns: number): string[][] {
  const widths = header.map((title, index) =>
    Math.max(title.length, ...table.map((row) => (row[index] ?? '').length)),
  )
  const names = widths.slice(namesFrom, namesTo)
  const sum = (all: readonly number[]) => all.reduce((total, width) => total + width, 0)
  const place = columns - 2 * (header.length - 1) - (sum(widths) - sum(names))
  let longest = Math.max(...names)
  while (longest > shortestName && sum(names.map((width) => Math.min(width, longest))) > place)
    longest -= 1
  return table.map((row) =>
    row.map((cell, index) =>
      index >= namesFrom && index < namesTo ? shorten(cell, longest) : cell,
    ),
  )
}

export function pipelineRow(pipeline: Pipeline): string[] {
  const { status, repository, branch, workflowName, lastRun, duration, runId } = pipeline
  const words = [status, repository, branch, workflowName, formatInstant(lastRun), took(duration)]
  return [...words, String(runId)].map(terminalWord)
}

function statusStyle(status: PipelineStatus | undefined, styles: Styles): Style {
  switch (status) {
    case 'success':
      return styles.green
    case 'failure':
      return styles.red
    case 'running':
      return styles.cyan
    case 'pending':
    case undefined:
      return styles.yellow
  }
}

/** Whole seconds; nothing before the start. */
export function took(seconds: number): string {
  return seconds === 0 ? '' : formatDuration(seconds * 1000)
}

/** That GitHub could not be asked lately. */
function staleLines({ metadata }: PipelineStatusResponse): string[] {
  if (!metadata.stale) return []
  const since = metadata.cachedAt === null ? 'yet' : `since ${formatInstant(metadata.cachedAt)}`
  return [`GitHub could not be asked ${since}: this may be out of date.`]
}
