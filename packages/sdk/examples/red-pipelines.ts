// Lists the pipelines of GitHub Actions that are red, each with the run that was green last.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx red-pipelines.ts [owner/name]
import { createClient } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const [repo] = process.argv.slice(2)

const slipway = createClient({ baseUrl: SLIPWAY_URL, token: SLIPWAY_TOKEN })
const { pipelines } = await slipway.pipelines.status({ repo, status: 'failure' })

for (const { repository, branch, workflowName, lastRun, steps, url } of pipelines) {
  const failed = steps.find(({ conclusion }) => conclusion === 'failure')
  console.log(`${repository} ${branch}: ${workflowName} failed at ${lastRun}`)
  if (failed) console.log(`  in ${failed.job}: ${failed.name}`)
  const { runs } = await slipway.pipelines.history(repository, { branch, per_page: 100 })
  const green = runs.find((run) => run.name === workflowName && run.status === 'success')
  console.log(`  ${green ? `green last at ${green.created_at}` : 'never seen green'}: ${url}`)
}
console.log(`${pipelines.length} red`)
process.exitCode = pipelines.length > 0 ? 1 : 0
