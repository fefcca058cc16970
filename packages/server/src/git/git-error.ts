/**
 * A git command that did not do what was asked.
 * `permanent`: asking again gives the same answer (no such commit); otherwise a
 * later attempt may succeed (the remote is away). The message is fit for a user.
 */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly permanent: boolean

  constructor(message: string, permanent: boolean) {
    super(message)
    this.permanent = permanent
  }
}

const repositoryMissing =
  /does not appear to be a git repository|repository .*not found|not found: did you run|returned error: 404|unable to read askpass|could not read username|dubious ownership/i
/** Said of a remote on this machine; of our own files the same words are a fault that may pass. */
const fileMissing = /does not exist|no such file or directory/i
const commitMissing =
  /not our ref|couldn't find remote ref|unadvertised object|bad object|no such remote ref/i

/** What git's standard error means for whoever asked for `what`; `remote` is the URL that was talked to. */
export function explainGitFailure(stderr: string, what: string, remote = ''): GitError {
  const reason = firstReason(stderr)
  if (commitMissing.test(stderr))
    return new GitError(`${what}: there is no such commit (${reason})`, true)
  const missing =
    repositoryMissing.test(stderr) || (remote.startsWith('file:') && fileMissing.test(stderr))
  if (missing) {
    return new GitError(
      `${what}: there is no such repository, or no access to it (${reason})`,
      true,
    )
  }
  return new GitError(`${what}: ${reason}`, false)
}

/** The first line in which git says why, without its prefix and without any credential in a URL. */
function firstReason(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const line =
    lines.find((text) => /^(fatal|error|remote):/i.test(text)) ??
    lines.find((text) => text !== '') ??
    'git ended without a word'
  return withoutCredentials(line.replace(/^(fatal|error|remote):\s*/i, '')).slice(0, 500)
}

/** Takes user names and passwords out of the URLs in a text. */
export function withoutCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi, '$1')
}
