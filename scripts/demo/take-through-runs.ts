import type { Run } from '@slipway/contract/runs'
import type { SlipwayClient } from '@slipway/sdk'
import { showRun } from '@slipway/cli/render/show-run'
import type { Narrator } from './narrator.ts'

/** One commit, what is to become of its run, and what is done meanwhile. */
export interface Story {
  title: string
  repository: string
  branch: string
  commit: string
  /** Called with each state of the run; cancels it when it likes. */
  watch?: (run: Run, cancel: () => Promise<void>) => Promise<void>
  expect: Run['status']
}

/** Takes a commit through a run and shows it; an end other than the expected one is an error. */
export async function tell(narrator: Narrator, client: SlipwayClient, story: Story): Promise<Run> {
  const { repository, branch, commit } = story
  const { out, styles, say, signal } = narrator
  await narrator.title(story.title)
  const { id } = await client.runs.create({
    repository,
    branch,
    commit_sha: commit,
    trigger_type: 'push',
  })
  const watched = async function* () {
    let cancelled = false
    const cancel = async () => {
      if (cancelled) return
      cancelled = true
      await client.runs.cancel(id)
    }
    for await (const run of client.runs.watch(id, { signal })) {
      yield run
      await story.watch?.(run, cancel)
    }
  }
  const run = await showRun(out, styles, watched())
  if (run === null) throw new Error('the run was never seen')
  for (const step of failedSteps(run)) await showTail(narrator, step)
  if (run.status !== story.expect) {
    throw new Error(`This run should have ended as ${story.expect}: ${run.message ?? run.status}`)
  }
  await say(styles.dim(`  ${run.status} as it should be`))
  return run
}

function failedSteps(run: Run) {
  if (run.status !== 'failed') return []
  const steps = run.phases.flatMap((phase) => phase.tasks).flatMap((task) => task.steps)
  return steps.filter(
    ({ exit_code, status }) => status === 'failed' && (exit_code === null || exit_code < 128),
  )
}

async function showTail(
  { say, styles }: Narrator,
  step: { name: string; logs_url: string },
): Promise<void> {
  const response = await fetch(`${step.logs_url}&tail=12`, { signal: AbortSignal.timeout(10_000) })
  await say(styles.dim(`  the end of ${step.name}'s log:`))
  for (const line of (await response.text()).trimEnd().split('\n'))
    await say(`  ${styles.dim('│')} ${line}`)
}
