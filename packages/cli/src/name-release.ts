import type { ReleaseName } from '@slipway/sdk'
import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { findRepository } from './git/find-repository.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The id of the release that two words name: a project and a release of it by alias, number or
 * commit; or an id alone.
 *
 * @throws CliError where the words name none
 */
export async function findReleaseId(
  context: Context,
  [first, which]: readonly [string, string | undefined],
  repository: string | undefined,
): Promise<string> {
  if (which === undefined) {
    if (uuid.test(first)) return first
    throw new CliError(
      `${first} is no id of a release`,
      `Say which one of the project: ${first} 42, or ${first} v1.2.3`,
    )
  }
  const name = {
    repository: await findRepository(context.io, repository),
    project: first,
    release: which,
  }
  return lookUp(context, name)
}

/**
 * The ids of releases that are named one word each: an id, or `project/release`.
 *
 * @throws CliError where a word is neither
 */
export async function findReleaseIds(
  context: Context,
  words: readonly string[],
  repository: string | undefined,
): Promise<string[]> {
  const ids: string[] = []
  for (const word of words) {
    // An alias may hold a slash itself, a project may not.
    const [, project, release] = /^([^/]+)\/(.+)$/.exec(word) ?? []
    if (uuid.test(word)) ids.push(word)
    else if (project !== undefined && release !== undefined) {
      ids.push(await findReleaseId(context, [project, release], repository))
    } else {
      throw new CliError(
        `${word} is neither the id of a release nor project/release`,
        'Say it like api/42 or api/v1.2.3',
      )
    }
  }
  return ids
}

async function lookUp(context: Context, name: ReleaseName): Promise<string> {
  const { client } = await context.connect()
  const { id } = await client.releases.get(name, { signal: context.io.signal })
  return id
}
