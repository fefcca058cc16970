import type { LogLine } from '@slipway/sdk'
import { api } from '../api/client.ts'
import { splitTime } from './split-time.ts'

/** Where a log comes from. */
export interface LogSource {
  /** What tells it from others. */
  key: string
  /** Its plain text as far as it is written, for those who want the whole; and what to call that. */
  download: string
  fileName: string
  /** What is there by now: pieces of text whose lines begin with their times. */
  read(signal: AbortSignal): AsyncIterable<string>
  /** The lines behind a number as they come, until there will be no more. */
  follow(after: number, signal: AbortSignal): AsyncIterable<LogLine>
}

/** A step of a run. */
export function stepLog(id: string): LogSource {
  const path = `/v1/steps/${id}/logs`
  return {
    key: path,
    download: path,
    fileName: `step-${id}.log`,
    read: (signal) => fetchText(`${path}?timestamps=true`, signal),
    follow: (after, signal) => api.steps.logs(id, { follow: true, after, signal }),
  }
}

/** A build. */
export function buildLog(id: number): LogSource {
  const path = `/api/pipelines/runs/${id}/logs`
  return {
    key: path,
    download: path,
    fileName: `build-${id}.log`,
    read: (signal) => fetchText(path, signal),
    follow: (after, signal) => api.builds.logs(id, { follow: true, after, signal }),
  }
}

/** A job of GitHub Actions in a container of ours. */
export function jobLog(id: string): LogSource {
  const path = `/api/jobs/${id}/logs`
  const download = `${path}?download=true`
  return {
    key: path,
    download,
    fileName: `job-${id}.log`,
    read: (signal) => fetchText(download, signal),
    async *follow(after, signal) {
      // Its lines are kept with their times in front.
      for await (const { seq, line } of api.jobs.followLogs(id, { after, signal })) {
        yield { seq, ...splitTime(line) }
      }
    },
  }
}

async function* fetchText(path: string, signal: AbortSignal): AsyncGenerator<string> {
  const response = await fetch(path, {
    signal,
    headers: { accept: 'text/plain' },
    credentials: 'same-origin',
  })
  if (!response.ok) {
    const body = (await response.json().catch(() => null)) as {
      error?: { message?: string }
    } | null
    throw new Error(body?.error?.message ?? `The log could not be read (${response.status})`)
  }
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const chunk = await reader?.read()
      if (chunk === undefined || chunk.done) return
      yield chunk.value
    }
  } finally {
    // Who has enough does not wait for the rest.
    await reader?.cancel()
  }
}
