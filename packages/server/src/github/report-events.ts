import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Duty, DutyDeps } from '../duties/index.ts'
import { type EventFeed, type StoredEvent, startEventConsumer } from '../events/index.ts'
import { type ReportSubject, writeReport } from './note-report.ts'

/** Milliseconds after which an event is no news: nobody was there to tell GitHub of it. */
const newsForMs = 24 * 3_600_000

const types = [
  'pipeline.run.created',
  'pipeline.run.started',
  'pipeline.run.completed',
  'pipeline.run.cancelled',
  'deployment.created',
  'deployment.completed',
  'deployment.failed',
  'deployment.superseded',
  'release.created',
  'release.aliased',
] as const

/** Reads from the outbox of what GitHub is to be told. */
export function startReadingEvents(
  deps: DutyDeps & { feed: EventFeed; wakeReports: () => void },
): Duty {
  return startEventConsumer(deps, {
    name: 'github',
    types: { exact: [...types], prefixes: [] },
    async handle(event) {
      const about = await subjectOf(deps.db, event)
      if (about === null) return
      await writeReport(deps.db, about)
      deps.wakeReports()
    },
  })
}

interface Envelope {
  timestamp: string
  data: {
    commit_sha?: string
    deployment_id?: string
    release_id?: string
    project?: string
    alias?: string
    alias_type?: string
    trigger_type?: string
  }
}

async function subjectOf(db: Kysely<Tables>, event: StoredEvent): Promise<ReportSubject | null> {
  const { repository, type } = event
  const { timestamp, data } = JSON.parse(event.json) as Envelope
  if (repository === null || Date.now() - Date.parse(timestamp) > newsForMs) return null
  if (type.startsWith('pipeline.run.')) {
    // An abbreviated commit has its full name when the run has started.
    const { commit_sha: subject = '' } = data
    return /^[0-9a-f]{40}$/.test(subject) ? { repository, kind: 'commit', subject } : null
  }
  if (type.startsWith('deployment.')) {
    const { deployment_id: subject = '' } = data
    return { repository, kind: 'deployment', subject }
  }
  const tag = await tagOf(db, type, repository, data)
  return tag === null ? null : { repository, kind: 'release', subject: tag }
}

/** The tag that a release was made for, or that has become its name. */
async function tagOf(
  db: Kysely<Tables>,
  type: string,
  repository: string,
  data: Envelope['data'],
): Promise<string | null> {
  const { release_id = '', project = '', alias = '', commit_sha = '' } = data
  const byTag = type === 'release.created' ? data.trigger_type : data.alias_type
  if (byTag !== 'tag') return null
  const prefix = 'refs/tags/'
  // Whether the project is part of the tag is the repository's choice: its runs say it.
  const { rows } =
    type === 'release.created'
      ? await sql<{ ref: string }>`
          select branch as ref from releases where id = ${release_id} and branch like 'refs/tags/%'
        `.execute(db)
      : await sql<{ ref: string }>`
          select branch as ref from runs
          where repository = ${repository} and commit_sha = ${commit_sha}
            and branch in (${prefix + alias}, ${`${prefix}${project}/${alias}`})
          order by started_at desc limit 1`.execute(db)
  return rows[0]?.ref.slice(prefix.length) ?? null
}
