import { AppError } from '../errors.ts'
import { type GitProtocol, parseRemoteUrl, refNameProblem } from '../git/index.ts'
import type { RepositoriesDeps } from './deps.ts'

interface Problem {
  path: string
  message: string
}

/** How a URL is talked to, or why this server does not use it. */
export function checkUrl(
  deps: Pick<RepositoriesDeps, 'allowFileRepositories'>,
  url: string,
): { ok: true; protocol: GitProtocol } | { ok: false; problem: string } {
  const parsed = parseRemoteUrl(url)
  if (parsed.ok && parsed.protocol === 'file' && !deps.allowFileRepositories) {
    return {
      ok: false,
      problem: 'is a file: URL, which this server does not allow (SLIPWAY_ALLOW_FILE_REPOSITORIES)',
    }
  }
  return parsed
}

/**
 * Refuses what a repository cannot be, with every problem at once: `invalid_request`. A credential
 * that does not exist is `resource_not_found` where it is the only problem.
 */
export async function checkRepository(
  deps: RepositoriesDeps,
  request: {
    repository_url?: string | undefined
    default_branch?: string | null | undefined
    credential_id?: number | null | undefined
  },
): Promise<void> {
  const problems: Problem[] = []
  if (request.repository_url !== undefined) {
    const checked = checkUrl(deps, request.repository_url)
    if (!checked.ok) problems.push({ path: '/repository_url', message: checked.problem })
  }
  if (typeof request.default_branch === 'string') {
    const problem = refNameProblem(request.default_branch)
    if (problem !== null) problems.push({ path: '/default_branch', message: problem })
  }
  if (typeof request.credential_id === 'number') {
    const credential = await deps.db
      .selectFrom('credentials')
      .select('credential_type')
      .where('id', '=', request.credential_id)
      .executeTakeFirst()
    if (credential === undefined) {
      const message = `There is no credential ${request.credential_id}`
      if (problems.length === 0) throw new AppError('resource_not_found', message)
      problems.push({ path: '/credential_id', message: 'names no credential' })
    } else if (!credential.credential_type.startsWith('git_')) {
      const message = `is a credential of type ${credential.credential_type}, not for Git`
      problems.push({ path: '/credential_id', message })
    }
  }
  const [first] = problems
  if (first === undefined) return
  throw new AppError(
    'invalid_request',
    `The body is not valid: ${problems.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    { problems },
  )
}
