// Sees to it that a commit runs, once: whoever comes second joins the run that is there. Waits for servers
// that restart, and gives up in the end. It shows what errors are, and how retries are set.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx ensure-run.ts acme/shop main 1a2b3c4
import { createClient, SlipwayError } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const [repository, branch, commit] = process.argv.slice(2)
if (!repository || !branch || !commit)
  throw new Error('ensure-run.ts <owner/name> <branch> <commit>')

const slipway = createClient({
  baseUrl: SLIPWAY_URL,
  token: SLIPWAY_TOKEN,
  timeoutMs: 10_000,
  retries: { retries: 8, baseDelayMs: 100, maxDelayMs: 5_000, deadlineMs: 60_000 },
})

/** The whole of it, retries too, takes no longer than this. */
const signal = AbortSignal.timeout(120_000)

async function ensureRun(request: { repository: string; branch: string; commit_sha: string }) {
  try {
    const { id } = await slipway.runs.create({ ...request, trigger_type: 'manual' }, { signal })
    return { id, joined: false }
  } catch (error) {
    // `code` is one of a closed list; `details` holds what a program needs to go on.
    if (!(error instanceof SlipwayError) || error.code !== 'resource_conflict') throw error
    return { id: String(error.details?.['run_id']), joined: true }
  }
}

try {
  const { id, joined } = await ensureRun({ repository, branch, commit_sha: commit })
  console.log(`${joined ? 'joined' : 'started'} ${id}`)
} catch (error) {
  if (!(error instanceof SlipwayError)) throw error
  const { status, code, message, requestId } = error
  console.error(`${code} (${status || 'no answer'}): ${message}`)
  if (requestId) console.error(`The server's log has more of the request ${requestId}`)
  process.exitCode = 1
}
