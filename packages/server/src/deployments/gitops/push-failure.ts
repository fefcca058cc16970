import { withoutCredentials } from '../../git/index.ts'
import { oneLine } from './commit-message.ts'
import { GitOpsError } from './gitops-error.ts'

/** What `git push --porcelain` said. */
export interface PushOutput {
  stdout: string
  stderr: string
}

/** Somebody else was first: seen before the push, or by the remote while it was about to take it. */
const lostRace =
  /\[rejected\]|cannot lock ref|failed to update ref|incorrect old value|reference already exists|failed to lock/i

/** Said before anything is sent: the commit has certainly not arrived. */
const neverSent =
  /could not resolve|connection refused|connection timed out|operation timed out|no route to host|network is unreachable|permission denied|host key verification failed|authentication failed|could not read (username|password)|unable to access|returned error: (401|403|404)|not found|does not appear to be a git repository|unable to read askpass|no such file or directory|unsafe repository|dubious ownership|transport '.*' not allowed/i

/** Said of a connection that had come about: by then the commit may have been sent. */
const brokeOff = /RPC failed; (?!HTTP)|read from remote host|client_loop/i

/**
 * What a push that git says has failed came to: `moved` for a lost race, else an error that says why
 * and whether the commit may have arrived all the same.
 */
export function judgePush(
  output: PushOutput,
  context: { remote: string; secrets: readonly string[] },
): 'moved' | GitOpsError {
  const { stdout, stderr } = output
  const refused = /^!\t[^\t]*\t(.*)$/m.exec(stdout)?.[1]
  const isAnswer = refused !== undefined && !/remote failure/i.test(refused)
  if (isAnswer && lostRace.test(refused)) return 'moved'
  const reason = withoutSecrets(
    [...remoteLines(stderr), refused ?? lastFatal(stderr)].filter(Boolean).join('; '),
    context.secrets,
  )
  const said = stderr.replace(/^remote:.*$/gm, '')
  return new GitOpsError(`${context.remote} did not take the commit: ${reason}`, {
    mayHaveArrived: !isAnswer && (brokeOff.test(said) || !neverSent.test(said)),
  })
}

/** What hooks and servers say for people; at most the last five lines. */
function remoteLines(stderr: string): string[] {
  return stderr
    .split(/[\r\n]+/)
    .flatMap((line) => /^remote:\s*(\S.*?)\s*$/.exec(line)?.[1] ?? [])
    .slice(-5)
}

function lastFatal(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => /^(fatal|error|ssh):/i.test(line))
  const line = lines[0] ?? stderr.split('\n').find((text) => text.trim() !== '')
  return line?.replace(/^(fatal|error):\s*/i, '') ?? 'git ended without a word'
}

/** The text for a client: in one line, short, and nothing in it of how git got in. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = withoutCredentials(text)
  for (const secret of secrets) {
    if (secret.length < 6) continue
    for (const form of [secret, encodeURIComponent(secret), btoa(utf8(secret))]) {
      clean = clean.replaceAll(form, '***')
    }
  }
  return oneLine(clean)
}

function utf8(text: string): string {
  return Buffer.from(text).toString('latin1')
}
