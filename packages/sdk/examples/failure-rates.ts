// Counts, by branch, how many of the last week's runs of a repository failed. Lists come in pages; a loop
// asks for the next one when it gets there, and for no more than it reads.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx failure-rates.ts acme/shop
import { createClient } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const [repository] = process.argv.slice(2)
if (!repository) throw new Error('failure-rates.ts <owner/name>')

const slipway = createClient({ baseUrl: SLIPWAY_URL, token: SLIPWAY_TOKEN })
const weekAgo = Date.now() - 7 * 86_400_000
const branches = new Map<string, { runs: number; failed: number }>()

for await (const run of slipway.runs.iterate({ repository, limit: 100 })) {
  // Newest first: nothing behind this one is of the week.
  if (Date.parse(run.started_at) < weekAgo) break
  const count = branches.get(run.branch) ?? { runs: 0, failed: 0 }
  count.runs += 1
  if (run.status === 'failed') count.failed += 1
  branches.set(run.branch, count)
}
for (const [branch, { runs, failed }] of branches) {
  console.log(`${branch}: ${failed} of ${runs} failed (${Math.round((100 * failed) / runs)}%)`)
}

// Other lists go on behind a cursor; the loop is the same.
let changes = 0
for await (const entry of slipway.audit.iterate({ limit: 100 })) {
  if (Date.parse(entry.at) < weekAgo) break
  changes += 1
}
console.log(`${changes} changes in the audit log`)
