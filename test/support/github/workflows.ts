import { randomUUID } from 'node:crypto'

interface About {
  /** owner/name. */
  repository: string
  /** GitHub's id of the repository. Default 77. */
  repositoryId?: number
}

const moments: Record<string, string> = {
  requested: '2026-01-02T10:00:00Z',
  in_progress: '2026-01-02T10:01:00Z',
  completed: '2026-01-02T10:05:00Z',
}

/** What GitHub says of a workflow run when it is requested, in progress or completed. */
export function workflowRunOf(
  action: 'requested' | 'in_progress' | 'completed',
  input: About & { id: number; attempt?: number; conclusion?: string; branch?: string },
): object {
  const { id, attempt = 1, conclusion = 'success', branch = 'main' } = input
  return {
    action,
    workflow: { id: 42, name: 'CI', path: '.github/workflows/ci.yml', state: 'active' },
    workflow_run: {
      id,
      workflow_id: 42,
      name: 'CI',
      path: '.github/workflows/ci.yml',
      run_number: 7,
      run_attempt: attempt,
      event: 'push',
      head_branch: branch,
      head_sha: 'a'.repeat(40),
      head_commit: { message: 'Add new feature' },
      actor: { login: 'alice' },
      html_url: `https://github.com/${input.repository}/actions/runs/${id}`,
      status: action === 'requested' ? 'queued' : action,
      conclusion: action === 'completed' ? conclusion : null,
      created_at: '2026-01-02T10:00:00Z',
      run_started_at: `2026-01-02T1${attempt - 1}:00:00Z`,
      updated_at: moments[action]?.replace('T10', `T1${attempt - 1}`),
    },
    ...commonOf(input),
  }
}

/** What GitHub says of a job of such a run; it has one step. */
export function workflowJobOf(
  action: 'queued' | 'in_progress' | 'completed',
  input: About & { id: number; runId: number; attempt?: number; conclusion?: string },
): object {
  const { id, runId, attempt = 1, conclusion = 'success' } = input
  const isEnded = action === 'completed'
  return {
    action,
    workflow_job: {
      id,
      run_id: runId,
      run_attempt: attempt,
      name: 'build',
      status: action,
      conclusion: isEnded ? conclusion : null,
      created_at: '2026-01-02T10:00:00Z',
      started_at: '2026-01-02T10:01:00Z',
      completed_at: isEnded ? '2026-01-02T10:04:00Z' : null,
      runner_name: 'GitHub Actions 1',
      labels: ['ubuntu-latest'],
      steps:
        action === 'queued'
          ? []
          : [
              {
                number: 1,
                name: 'Test',
                status: action,
                conclusion: isEnded ? conclusion : null,
                started_at: '2026-01-02T10:01:00Z',
                completed_at: isEnded ? '2026-01-02T10:04:00Z' : null,
              },
            ],
    },
    ...commonOf(input),
  }
}

/** What GitHub says of a repository itself: `renamed`, `deleted`. */
export function repositoryEventOf(action: string, input: About): object {
  return { action, ...commonOf(input) }
}

function commonOf({ repository, repositoryId = 77 }: About): object {
  return {
    repository: { id: repositoryId, full_name: repository, default_branch: 'main' },
    sender: { login: 'alice' },
    // No two deliveries have the same payload.
    nonce: randomUUID(),
  }
}
