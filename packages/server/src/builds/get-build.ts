import type { Build } from '@slipway/contract/builds'
import type { Principal } from '../ports/identity.ts'
import { readLogTail } from './build-log.ts'
import { type BuildRow, findBuild, toBuilds } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'

/** Logs that one answer reads at the same time. */
const logsAtOnce = 8

type Deps = Pick<BuildsDeps, 'db' | 'logs'>

/** A build with its steps, its outputs and the end of its log. */
export async function getBuild(
  deps: Deps,
  input: { principal: Principal; id: number },
): Promise<Build> {
  const [build] = await showBuilds(deps, [await findBuild(deps, input)])
  if (build === undefined) throw new Error('a row makes a build')
  return build
}

/** The same of rows that somebody may see. */
export async function showBuilds(deps: Deps, rows: readonly BuildRow[]): Promise<Build[]> {
  const builds = await toBuilds(deps, rows)
  const shown: Build[] = []
  // A few logs at once: a long list opens no more files than a short one.
  for (let at = 0; at < builds.length; at += logsAtOnce) {
    const some = builds.slice(at, at + logsAtOnce)
    const tails = some.map(async (build) => ({ ...build, ...(await readLogTail(deps, build.id)) }))
    shown.push(...(await Promise.all(tails)))
  }
  return shown
}
