// Runs the pipeline of a commit, shows what becomes of it, and the end of the log of what failed.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx run-commit.ts acme/shop main 1a2b3c4
import { createClient } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const [repository, branch, commit] = process.argv.slice(2)
if (!repository || !branch || !commit)
  throw new Error('run-commit.ts <owner/name> <branch> <commit>')

const slipway = createClient({ baseUrl: SLIPWAY_URL, token: SLIPWAY_TOKEN })
const { id } = await slipway.runs.create({
  repository,
  branch,
  commit_sha: commit,
  trigger_type: 'manual',
})

// Each state once, however the connection does meanwhile; the loop ends with the run.
for await (const run of slipway.runs.watch(id)) {
  const steps = run.phases.flatMap(({ tasks }) => tasks.flatMap((task) => task.steps))
  const done = steps.filter(({ completed_at }) => completed_at !== null).length
  console.log(`${run.status}: ${done} of ${steps.length} steps`)
  if (run.completed_at === null) continue
  for (const step of steps.filter(({ status }) => status === 'failed')) {
    console.log(`${step.name} ended with ${step.exit_code}`)
    for await (const line of slipway.steps.logText(step, { tail: 20 })) console.log(`  ${line}`)
  }
  process.exitCode = run.status === 'success' ? 0 : 1
}
