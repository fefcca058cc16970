// Takes a release to an environment and waits until it is there: shows which files of the GitOps repository
// change, names the approval where one is asked for, and says so where it is still missing.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx promote-release.ts acme/shop api 12 production
import { createClient, SlipwayError } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const [repository, project, name, environment] = process.argv.slice(2)
if (!repository || !project || !name || !environment)
  throw new Error('promote-release.ts <owner/name> <project> <release> <environment>')

const slipway = createClient({ baseUrl: SLIPWAY_URL, token: SLIPWAY_TOKEN })
const release = await slipway.releases.get({ repository, project, release: name })

const wanted = { release_id: release.id, environment }
const { files } = await slipway.deployments.preview(wanted)
for (const { path, before, after } of files) {
  if (before !== after) console.log(`${before === null ? 'new' : 'changed'}: ${path}`)
}

const { approvals } = await slipway.approvals.list({ ...wanted, status: 'active', limit: 1 })
const [approval] = approvals
if (approval) console.log(`approved by ${approval.approver}: ${approval.justification}`)

try {
  const { id } = await slipway.deployments.create({
    ...wanted,
    ...(approval && { approval_id: approval.approval_id }),
  })
  // Each state once; the loop ends when it is what runs there, or another has taken its place.
  for await (const { status } of slipway.deployments.watch(id)) console.log(status)
} catch (error) {
  // It is not approved yet, or has been deployed there already.
  if (!(error instanceof SlipwayError) || error.status >= 500) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
}
