import type { DoraMeasures } from '@slipway/contract/pipeline-insights'
import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { findDefaultBranchRuns, findDeployments } from './find-deliveries.ts'
import { createJudge, type Delivery, type Judge } from './judge-deliveries.ts'
import type { Looked } from './looked-at.ts'
import type { Watched } from './watched.ts'

/** The four DORA measures of each repository, by its name; needs a transaction. */
export async function measureDora(
  trx: Pick<Kysely<Tables>, 'getExecutor'>,
  input: { watched: readonly Watched[]; looked: Looked; days: number },
): Promise<Record<string, DoraMeasures>> {
  const { watched, looked, days } = input
  const { since } = looked
  const own = await judgeEach(findDeployments(trx, { watched, since }))
  const others = watched.filter(({ id }) => !own.has(id))
  const runs = await judgeEach(findDefaultBranchRuns(trx, { watched: others, since }))
  return Object.fromEntries(
    watched.map(({ id, fullName }) => {
      const source = own.has(id) ? 'deployments' : 'runs'
      const judge = own.get(id) ?? runs.get(id) ?? createJudge()
      return [fullName, { source, ...judge.measures(days) }]
    }),
  )
}

/** By repository. */
async function judgeEach(
  parts: AsyncIterable<readonly (Delivery & { repositoryId: number })[]>,
): Promise<Map<number, Judge>> {
  const judges = new Map<number, Judge>()
  for await (const deliveries of parts) {
    for (const delivery of deliveries) {
      const judge = judges.get(delivery.repositoryId) ?? createJudge()
      judges.set(delivery.repositoryId, judge)
      judge.add(delivery)
    }
  }
  return judges
}
