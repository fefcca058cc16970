import { RepositoryName, textPattern } from '@slipway/contract/fields'
import Value from 'typebox/value'
import { refNameProblem } from '../git/index.ts'

/** What a delivery asks for, as it is stored: never a part of the body that was not checked. */
export type Wanted =
  | { kind: 'push'; ref: string; commit: string; by: string }
  /** Of a new tag GitHub says the name only. */
  | { kind: 'tag'; ref: string; by: string }
  | { kind: 'pull request'; number: number; ref: string; commit: string; by: string }
  | ForkedPullRequest
  | { kind: 'closed pull request'; number: number }

/** A pull request whose commit is in a repository that others write to. */
export interface ForkedPullRequest {
  kind: 'fork'
  number: number
  ref: string
  commit: string
  by: string
  title: string
  author: string
  /** Null: it is gone. */
  headRepository: string | null
  headRef: string
}

export interface ReadDelivery {
  /** owner/name; null: it is about none that can have runs. */
  repository: string | null
  /** What to do, or in words why nothing. */
  outcome: Wanted | string
}

const anyText = new RegExp(textPattern, 'u')
const fullSha = /^[0-9a-f]{40}$/

/** Understands a delivery that GitHub has signed. Whatever the payload is, there is an answer. */
export function readDelivery(
  event: string,
  payload: Readonly<Record<string, unknown>>,
): ReadDelivery {
  const name = textAt(payload, 'repository', 'full_name')
  const repository = Value.Check(RepositoryName, name) ? name : null
  const read = readers[event]
  if (read === undefined) return { repository, outcome: `nothing is done on ${event}` }
  if (repository === null) return { repository, outcome: 'it names no repository' }
  return { repository, outcome: read(payload, repository) }
}

type Payload = Readonly<Record<string, unknown>>

const readers: Readonly<Record<string, (payload: Payload, repository: string) => Wanted | string>> =
  {
    push(payload) {
      const full = textAt(payload, 'ref') ?? ''
      const isTag = full.startsWith('refs/tags/')
      if (!isTag && !full.startsWith('refs/heads/')) return 'neither a branch nor a tag was pushed'
      const ref = isTag ? full : full.slice('refs/heads/'.length)
      if (!isRef(ref)) return 'its ref has a name that cannot be used'
      const after = textAt(payload, 'after') ?? ''
      if (payload['deleted'] === true || /^0+$/.test(after)) return `${ref} was deleted`
      // Of an annotated tag, `after` is the tag itself.
      const commit = isTag ? (textAt(payload, 'head_commit', 'id') ?? after) : after
      if (!fullSha.test(commit)) return 'it names no commit'
      return { kind: 'push', ref, commit, by: whoIn(payload) }
    },
    create(payload) {
      if (payload['ref_type'] !== 'tag') return 'a push tells of new branches'
      const ref = `refs/tags/${textAt(payload, 'ref') ?? ''}`
      return isRef(ref)
        ? { kind: 'tag', ref, by: whoIn(payload) }
        : 'its ref has a name that cannot be used'
    },
    pull_request(payload) {
      const action = textAt(payload, 'action') ?? ''
      const number = at(payload, 'pull_request', 'number')
      if (
        typeof number !== 'number' ||
        !Number.isInteger(number) ||
        number < 1 ||
        number > 2 ** 31 - 1
      ) {
        return 'it names no pull request'
      }
      if (action === 'closed') return { kind: 'closed pull request', number }
      if (!['opened', 'synchronize', 'reopened'].includes(action)) {
        return `nothing is done when a pull request is ${line(action, 40)}`
      }
      const commit = textAt(payload, 'pull_request', 'head', 'sha') ?? ''
      if (!fullSha.test(commit)) return 'it names no commit'
      const common = { number, ref: `refs/pull/${number}/head`, commit, by: whoIn(payload) }
      const head = at(payload, 'pull_request', 'head', 'repo', 'id')
      const base = at(payload, 'pull_request', 'base', 'repo', 'id')
      if (typeof head === 'number' && head === base) return { kind: 'pull request', ...common }
      const headRepository = textAt(payload, 'pull_request', 'head', 'repo', 'full_name')
      return {
        kind: 'fork',
        ...common,
        title: line(textAt(payload, 'pull_request', 'title') ?? '', 300),
        author: line(textAt(payload, 'pull_request', 'user', 'login') ?? '', 100) || 'unknown',
        headRepository: headRepository === null ? null : line(headRepository, 140),
        headRef: line(textAt(payload, 'pull_request', 'head', 'ref') ?? '', 255),
      }
    },
  }

/** Whom GitHub says it was; never the author of a commit, which anybody may write into one. */
function whoIn(payload: Payload): string {
  const login = textAt(payload, 'sender', 'login') ?? textAt(payload, 'pusher', 'name') ?? ''
  return line(login, 100) || 'unknown'
}

function isRef(ref: string): boolean {
  const plain = ref.replace('refs/tags/', '')
  return plain !== '' && ref.length <= 255 && anyText.test(ref) && refNameProblem(ref) === null
}

/** A stranger's text on one line, of characters that can be stored. */
function line(text: string, longest: number): string {
  return Array.from(Buffer.from(text, 'utf8').toString('utf8'))
    .slice(0, longest)
    .join('')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
}

function textAt(payload: Payload, ...path: readonly string[]): string | null {
  const value = at(payload, ...path)
  return typeof value === 'string' ? value : null
}

function at(payload: Payload, ...path: readonly string[]): unknown {
  let value: unknown = payload
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
