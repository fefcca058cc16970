import { createHmac, randomUUID } from 'node:crypto'

/** A delivery as GitHub sends it: its headers, and its body as text. */
export interface SignedDelivery {
  headers: Record<string, string>
  body: string
}

export function signDelivery(
  secret: string,
  event: string,
  payload: unknown,
  more: Record<string, string> = {},
): SignedDelivery {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
      ...more,
    },
  }
}

/** What GitHub says of a push, as far as it matters; `ref` is a full one. */
export function pushOf(repository: string, ref: string, commit: string, more: object = {}): object {
  return {
    ref,
    before: '0'.repeat(40),
    after: commit,
    deleted: false,
    head_commit: { id: commit, author: { name: 'Somebody Else', email: 'else@example.test' } },
    repository: { id: 1, full_name: repository },
    pusher: { name: 'alice', email: 'alice@example.test' },
    sender: { login: 'alice' },
    // No two pushes have the same payload.
    nonce: randomUUID(),
    ...more,
  }
}

/** What GitHub says of a pull request; `fork`: from where it is offered, if not from the repository itself. */
export function pullRequestOf(
  repository: string,
  input: { number: number; commit: string; action?: string; fork?: string | null; title?: string },
): object {
  const { number, commit, action = 'opened', fork, title = 'A change' } = input
  const own = { id: 1, full_name: repository }
  const repo = fork === undefined ? own : fork === null ? null : { id: 2, full_name: fork }
  return {
    action,
    number,
    pull_request: {
      number,
      title,
      user: { login: 'mallory' },
      head: { sha: commit, ref: 'patch-1', repo },
      base: { ref: 'main', repo: own },
    },
    repository: own,
    sender: { login: 'mallory' },
    nonce: randomUUID(),
  }
}
