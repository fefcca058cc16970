/**
 * A git command that did not do what was asked.
 * `permanent`: asking again gives the same answer (no such commit); otherwise a
 * later attempt may succeed (the remote is away). The message is fit for a user.
 */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly permanent: boolean
  /** Commits that an abbreviation may mean; empty for any other failure. */
  readonly candidates: readonly string[]

  constructor(message: string, permanent: boolean, candidates: readonly string[] = []) {
    super(message)
    this.permanent = permanent
    this.candidates = candidates
  }
}

const repositoryMissing =
  /does not appear to be a git repository|repository .*not found|not found: did you run|returned error: 404|unable to read askpass|could not read username|dubious ownership/i
/** Said of a remote on this machine; of our own files the same words are a fault that may pass. */
const fileMissing = /does not exist|no such file or directory/i
/** What a remote says to who may not come in. */
const denied =
  /authentication failed|permission denied|returned error: 403|access denied|invalid credentials/i
const hostKeyUnknown = /no .*host key is known|host key verification failed/i
const hostKeyChanged = /remote host identification has changed/i
const commitMissing =
  /not our ref|couldn't find remote ref|unadvertised object|bad object|no such remote ref/i

/** What git's standard error means for whoever asked for `what`; `remote` is the URL that was talked to. */
export function explainGitFailure(stderr: string, what: string, remote = ''): GitError {
  const reason = firstReason(stderr)
  if (commitMissing.test(stderr))
    return new GitError(`${what}: there is no such commit (${reason})`, true)
  if (hostKeyChanged.test(stderr)) {
    return new GitError(`${what}: the server shows another host key than the one known of it`, true)
  }
  if (hostKeyUnknown.test(stderr)) {
    return new GitError(`${what}: the host key of the server is not known`, true)
  }
  if (denied.test(stderr) && !fileDenied(stderr, remote)) {
    return new GitError(`${what}: access was denied (${reason})`, true)
  }
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

/** Of a file on this machine it is a matter of its rights, which may be put right while we try. */
function fileDenied(stderr: string, remote: string): boolean {
  return (remote === '' || remote.startsWith('file:')) && /permission denied/i.test(stderr)
}

/** The first line in which git says why, without its prefix and without any credential in a URL. */
function firstReason(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const isTelling = !/could not read from remote repository/i.test(stderr)
  const line =
    // ssh has said why; git only knows that it ended.
    (isTelling
      ? undefined
      : lines.find((text) => text !== '' && !/^(fatal|@|warning:)/i.test(text))) ??
    lines.find((text) => /^(fatal|error|remote):/i.test(text)) ??
    lines.find((text) => text !== '') ??
    'git ended without a word'
  return withoutCredentials(line.replace(/^(fatal|error|remote):\s*/i, '')).slice(0, 500)
}

/** Takes user names and passwords out of the URLs in a text. */
export function withoutCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi, '$1')
}
