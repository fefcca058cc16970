import { RepositoryName } from '@slipway/contract/fields'

/** Something that is wrong with a request. */
export interface RequestProblem {
  /** JSON pointer into the body. */
  path: string
  message: string
}

const repositoryName = new RegExp((RepositoryName as { pattern?: string }).pattern ?? '', 'u')

/**
 * What is wrong with a delegation beyond its schema, all of it. The request may have parts that its schema
 * refuses: those are not looked at here.
 */
export function judgeRequest(request: Readonly<Record<string, unknown>>): RequestProblem[] {
  const problems: RequestProblem[] = []
  for (const name of ['jobId', 'runId'] as const) {
    const value = request[name]
    if (typeof value === 'string' && value !== '' && value.trim() === '') {
      problems.push({ path: `/${name}`, message: 'must not be blank' })
    }
  }
  const { repository } = request
  const isWellFormed = (name: string) => name.length <= 140 && repositoryName.test(name)
  if (typeof repository === 'string' && repository !== '' && !isWellFormed(repository)) {
    problems.push({ path: '/repository', message: 'must be written as owner/repo' })
  }
  return problems
}
