import type {
  ArtifactSnapshot,
  JobSnapshot,
  RunSnapshot,
  StepSnapshot,
  VisibleRepository,
  Workflow,
} from './github-actions.ts'

// GitHub's JSON as an answer of its API, a delivery of its webhook or a tool's result has it. Whatever is
// handed in, these answer; null: it is not what it should be, and nothing of it may be used.

/** A workflow run; `workflow` is where a delivery says its name and path besides. */
export function readRun(value: unknown, workflow?: unknown): RunSnapshot | null {
  const run = objectOf(value)
  const flow = objectOf(workflow)
  const id = idOf(run['id'])
  const workflowId = idOf(run['workflow_id'])
  const createdAt = instantOf(run['created_at'])
  const updatedAt = instantOf(run['updated_at']) ?? createdAt
  const runNumber = countOf(run['run_number'])
  const commitSha = textOf(run['head_sha'], 64)
  if (id === null || workflowId === null || createdAt === null || updatedAt === null) return null
  if (runNumber === null || commitSha === null) return null
  const path = pathOf(run['path']) ?? pathOf(flow['path'])
  const githubStatus = wordOf(run['status']) ?? 'queued'
  return {
    id,
    workflowId,
    workflowName:
      textOf(run['name'], 300) || textOf(flow['name'], 300) || path || `workflow ${workflowId}`,
    workflowPath: path,
    runNumber,
    attempt: Math.max(1, countOf(run['run_attempt']) ?? 1),
    event: wordOf(run['event']) ?? '',
    branch: textOf(run['head_branch'], 255) ?? '',
    commitSha,
    commitMessage: textOf(objectOf(run['head_commit'])['message'], 10_000) ?? '',
    actor: textOf(objectOf(run['actor'])['login'], 100) ?? '',
    url: urlOf(run['html_url']),
    githubStatus,
    conclusion: githubStatus === 'completed' ? wordOf(run['conclusion']) : null,
    createdAt,
    runStartedAt: instantOf(run['run_started_at']) ?? createdAt,
    updatedAt,
  }
}

/** Most of a job's steps and labels that are kept. */
const mostSteps = 1_000
const mostLabels = 100

export function readJob(value: unknown): JobSnapshot | null {
  const job = objectOf(value)
  const id = idOf(job['id'])
  const runId = idOf(job['run_id'])
  const name = textOf(job['name'], 500)
  if (id === null || runId === null || name === null) return null
  const given = job['steps'] ?? []
  if (!Array.isArray(given)) return null
  const steps = given.slice(0, mostSteps).map(readStep)
  if (!steps.every((step) => step !== null)) return null
  const labels = Array.isArray(job['labels']) ? job['labels'].slice(0, mostLabels) : []
  const githubStatus = wordOf(job['status']) ?? 'queued'
  return {
    id,
    runId,
    attempt: Math.max(1, countOf(job['run_attempt']) ?? 1),
    name,
    githubStatus,
    conclusion: githubStatus === 'completed' ? wordOf(job['conclusion']) : null,
    createdAt: instantOf(job['created_at']),
    startedAt: instantOf(job['started_at']),
    completedAt: instantOf(job['completed_at']),
    runnerName: textOf(job['runner_name'], 300) || null,
    labels: labels.flatMap((label) => textOf(label, 300) ?? []),
    steps,
  }
}

function readStep(value: unknown): StepSnapshot | null {
  const step = objectOf(value)
  const number = countOf(step['number'])
  const name = textOf(step['name'], 1_000)
  if (number === null || name === null) return null
  const status = wordOf(step['status']) ?? 'queued'
  return {
    number,
    name,
    status,
    conclusion: status === 'completed' ? wordOf(step['conclusion']) : null,
    started_at: instantOf(step['started_at'])?.toISOString() ?? null,
    completed_at: instantOf(step['completed_at'])?.toISOString() ?? null,
  }
}

export function readArtifact(value: unknown): ArtifactSnapshot | null {
  const artifact = objectOf(value)
  const id = idOf(artifact['id'])
  const name = textOf(artifact['name'], 500)
  const size = artifact['size_in_bytes']
  if (id === null || name === null || typeof size !== 'number' || !(size >= 0)) return null
  return {
    id,
    name,
    size_in_bytes: Math.min(Number.MAX_SAFE_INTEGER, Math.floor(size)),
    expired: artifact['expired'] === true,
    created_at: instantOf(artifact['created_at'])?.toISOString() ?? null,
    expires_at: instantOf(artifact['expires_at'])?.toISOString() ?? null,
  }
}

export function readWorkflow(value: unknown): Workflow | null {
  const workflow = objectOf(value)
  const id = idOf(workflow['id'])
  const name = textOf(workflow['name'], 300)
  const path = pathOf(workflow['path'])
  if (id === null || name === null || path === null) return null
  return { id, name, path, state: wordOf(workflow['state']) ?? 'active' }
}

export function readRepository(value: unknown): VisibleRepository | null {
  const repository = objectOf(value)
  const id = idOf(repository['id'])
  const fullName = readRepositoryName(repository['full_name'])
  if (id === null || fullName === null) return null
  return { id, fullName, defaultBranch: textOf(repository['default_branch'], 255) || 'main' }
}

/** owner/name, as it may stand in a URL. */
export function readRepositoryName(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 140) return null
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,98}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/.test(value)
    ? value
    : null
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function idOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31
    ? value
    : null
}

/** Without what PostgreSQL does not store: NUL and half a surrogate pair. */
export function textOf(value: unknown, longest: number): string | null {
  if (typeof value !== 'string') return null
  return Buffer.from(value.slice(0, longest), 'utf8').toString('utf8').replaceAll('\u0000', '')
}

/** A word of GitHub's: `in_progress`, `success`, `workflow_dispatch`. */
function wordOf(value: unknown): string | null {
  return typeof value === 'string' && /^[a-z][a-z0-9_]{0,59}$/.test(value) ? value : null
}

/** GitHub adds `@<ref>` where the workflow is another repository's. */
function pathOf(value: unknown): string | null {
  return textOf(value, 500)?.replace(/@.*$/, '') || null
}

function urlOf(value: unknown): string {
  const text = textOf(value, 1_000) ?? ''
  return /^https?:\/\//.test(text) ? text : ''
}

/** Of this millennium: what lies outside nobody meant, and not every database stores. */
function instantOf(value: unknown): Date | null {
  if (typeof value !== 'string' || !/^2\d{3}-\d\d-\d\dT/.test(value)) return null
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? null : date
}
