import type { RunnerClass } from './runner-class.ts'

/** What decides which class serves a job. */
export interface JobDemand {
  repository: string
  labels: readonly string[]
}

/** Every self-hosted runner has it. */
const impliedLabel = 'self-hosted'

/**
 * The class that serves a job: one that has all of its labels and is for its repository, of these the most
 * specific one (with the fewest labels beyond the job's), of equals the first. GitHub's labels and names
 * have no case.
 */
export function matchClass<Class extends Pick<RunnerClass, 'name' | 'labels' | 'repositories'>>(
  classes: readonly Class[],
  job: JobDemand,
): { class: Class } | { class: null; reason: string } {
  if (classes.length === 0) return none('No runner class is configured')
  const wanted = distinct(job.labels)
  const serving = classes.filter(({ labels }) => missingLabels(labels, wanted).length === 0)
  if (serving.length === 0) return none(explainLabels(classes, wanted))
  const allowed = serving.filter(({ repositories }) => isAllowed(repositories, job.repository))
  if (allowed.length === 0) {
    const names = serving.map(({ name }) => name).join(', ')
    return none(`The runner classes with these labels (${names}) are not for ${job.repository}`)
  }
  const [best] = allowed.toSorted((a, b) => surplus(a.labels, wanted) - surplus(b.labels, wanted))
  return best === undefined ? none('No runner class is configured') : { class: best }
}

/** Whether `patterns` (`owner/name`, `owner/*`; null: all) name the repository. */
export function isAllowed(patterns: readonly string[] | null, repository: string): boolean {
  if (patterns === null) return true
  const name = repository.toLowerCase()
  return patterns.some((pattern) => {
    const given = pattern.toLowerCase()
    return given.endsWith('/*') ? name.startsWith(given.slice(0, -1)) : given === name
  })
}

function none(reason: string): { class: null; reason: string } {
  return { class: null, reason }
}

function distinct(labels: readonly string[]): ReadonlySet<string> {
  return new Set(labels.map((label) => label.toLowerCase()))
}

function missingLabels(has: readonly string[], wanted: ReadonlySet<string>): string[] {
  const offered = distinct(has)
  return [...wanted].filter((label) => label !== impliedLabel && !offered.has(label))
}

function surplus(has: readonly string[], wanted: ReadonlySet<string>): number {
  return [...distinct(has)].filter((label) => label !== impliedLabel && !wanted.has(label)).length
}

function explainLabels(
  classes: readonly Pick<RunnerClass, 'labels'>[],
  wanted: ReadonlySet<string>,
): string {
  const unknown = [...wanted].filter((label) =>
    classes.every(({ labels }) => missingLabels(labels, new Set([label])).length > 0),
  )
  return unknown.length > 0
    ? `No runner class has the labels ${unknown.join(', ')}`
    : `No runner class has all of the labels ${[...wanted].join(', ')}`
}
