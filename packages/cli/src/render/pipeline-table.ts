import type { Pipeline, PipelineStatus, PipelineStatusResponse } from '@slipway/contract/pipelines'
import { formatDuration } from './format-time.ts'
import type { Style, Styles } from './styles.ts'
import { formatTable } from './table.ts'
import { terminalWord } from './terminal-text.ts'

const header = ['STATUS', 'REPOSITORY', 'BRANCH', 'WORKFLOW', 'STARTED', 'TOOK', 'RUN']

/** The pipelines as lines of a table, each in the colour of its status, and what there is to say of all. */
export function pipelineLines(answer: PipelineStatusResponse, styles: Styles): string[] {
  const { pipelines, metadata } = answer
  if (pipelines.length === 0) return ['There are no such pipelines.', ...staleLines(answer, styles)]
  const table = formatTable(header, pipelines.map(pipelineRow))
  const [head = '', ...rows] = table.trimEnd().split('\n')
  const lines = rows.map((row, index) => {
    const paint = statusStyle(pipelines[index]?.status, styles)
    return row.replace(/^\S+/, paint)
  })
  const more = metadata.total - pipelines.length
  return [
    styles.dim(head),
    ...lines,
    ...(more > 0 ? [styles.dim(`and ${more} more; see them with --limit`)] : []),
    ...staleLines(answer, styles),
  ]
}

export function pipelineRow(pipeline: Pipeline): string[] {
  const { status, repository, branch, workflowName, lastRun, duration, runId } = pipeline
  const words = [status, repository, branch, workflowName, shortTime(lastRun), took(duration)]
  return [...words, String(runId)].map(terminalWord)
}

export function statusStyle(status: PipelineStatus | undefined, styles: Styles): Style {
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

/** `2025-01-01 10:05`, UTC. */
export function shortTime(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ')
}

/** Whole seconds; nothing before the start. */
export function took(seconds: number): string {
  return seconds === 0 ? '' : formatDuration(seconds * 1000)
}

/** That GitHub could not be asked lately. */
function staleLines({ metadata }: PipelineStatusResponse, styles: Styles): string[] {
  if (!metadata.stale) return []
  const since = metadata.cachedAt === null ? 'yet' : `since ${shortTime(metadata.cachedAt)}`
  return [styles.yellow(`GitHub could not be asked ${since}: this may be out of date.`)]
}
