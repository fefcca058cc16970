import type { Build } from '@slipway/contract/builds'
import type { Principal } from '../ports/identity.ts'
import { readLogTail } from './build-log.ts'
import { type BuildRow, findBuild, toBuilds } from './build-rows.ts'
import type { BuildsDeps } from './deps.ts'

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
  const shown: Build[] = []
  // One log after the other: a long list opens no more files than a short one.
  for (const build of await toBuilds(deps, rows)) {
    shown.push({ ...build, ...(await readLogTail(deps, build.id)) })
  }
  return shown
}
