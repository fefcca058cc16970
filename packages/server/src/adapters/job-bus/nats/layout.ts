import type { JobType } from '@slipway/contract/jobs'

/** The stream of one type of job. */
export interface JobStream {
  type: string
  stream: string
  /** Subjects begin with it, a dot, and ids. */
  root: string
  /** The durable consumer that all workers of the type share. */
  consumer: string
}

/** Names of everything that Slipway has in NATS. */
export interface NatsLayout {
  byType: ReadonlyMap<string, JobStream>
  /** Jobs that nobody could do, for people. */
  deadLetters: { stream: string; root: string }
  /** NATS' own messages on what it gave up delivering. */
  undelivered: { stream: string; consumer: string }
  /** Tells holders to stop; no stream keeps it. */
  stopSubject: string
  /** Subject of events of a type (Platform specification, "Events, webhooks, retention"). */
  eventSubject(type: string): string
}

/** Stream and root of the subjects. Source: API & Operations Reference, "NATS Message Patterns"; the last three are ours. */
const streams: Readonly<Record<JobType, readonly [stream: string, root: string]>> = {
  discovery: ['pipeline-discovery', 'pipeline.discovery'],
  task: ['pipeline-tasks', 'pipeline.tasks'],
  artifact: ['pipeline-artifacts', 'pipeline.artifacts'],
  release: ['pipeline-releases', 'pipeline.releases'],
  deployment: ['pipeline-deployments', 'pipeline.deployments'],
  build: ['pipeline-builds', 'builds'],
  delegation: ['pipeline-runners', 'runners'],
}

export function layOut(prefix: string): NatsLayout {
  const name = (text: string) => (prefix === '' ? text : `${prefix}-${text}`)
  const subject = (text: string) => (prefix === '' ? text : `${prefix}.${text}`)
  const byType = new Map(
    Object.entries(streams).map(([type, [stream, root]]) => [
      type,
      { type, stream: name(stream), root: subject(root), consumer: `${type}-workers` },
    ]),
  )
  return {
    byType,
    deadLetters: { stream: name('pipeline-dead-letters'), root: subject('pipeline.dead-letters') },
    undelivered: { stream: name('pipeline-undelivered'), consumer: 'servers' },
    stopSubject: subject('slipway.jobs.stop'),
    eventSubject: (type) => subject(`slipway.events.${type}`),
  }
}

/** The subject that a job is published to: its own, below the root of its type. */
export function subjectOf(
  { root }: JobStream,
  prefix: string,
  job: { id: string; subject: string },
): string {
  const own = prefix === '' ? job.subject : `${prefix}.${job.subject}`
  const tokens = own.startsWith(`${root}.`) ? own.slice(root.length + 1) : ''
  // One that is not of this stream, or cannot be a subject, would get lost.
  return /^[\w-]+(\.[\w-]+)*$/.test(tokens) ? own : `${root}.${job.id}`
}
