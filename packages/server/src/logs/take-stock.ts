import type { Log } from '../db/log.ts'
import type { FileLogStore } from './file-log-store.ts'
import type { LogPlaces } from './log-places.ts'

/** Everything that has logs. */
export const logPrefixes = ['pipeline-runs/', 'builds/', 'delegations/']

/**
 * What a server does with the logs in its data directory before anybody works: those that it was writing when
 * it ended wait in the object store from now on, for any server to go on with; those that another one has gone on
 * with meanwhile are put aside. What cannot be handed over within `signal` stays, and is when somebody asks for it.
 */
export async function takeStock(
  deps: { local: FileLogStore; places: LogPlaces; home: string; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { local, places, home, log } = deps
  const keys = (await Promise.all(logPrefixes.map((prefix) => local.listLive(prefix)))).flat()
  await places.forgetOursBut(keys)
  const ours = await places.ours(keys)
  for (const key of keys) {
    if (signal.aborted) return
    try {
      if (!ours.has(key) && !(await adopt(deps, key))) continue
      await local.park(key)
      await places.park(key, home)
    } catch (error) {
      log.warn({ err: error, key }, 'a log could not be handed over, and stays with this server')
    }
  }
}

/** A file that nobody has entered is of before there were entries, or not the newest of its log. */
async function adopt(
  { local, places, log }: Parameters<typeof takeStock>[0],
  key: string,
): Promise<boolean> {
  const place = await places.find(key)
  const aside = await local.setAside(key, place === null)
  if (aside !== null) log.warn({ key, aside }, 'an earlier part of a log was put aside')
  if (!(await local.isLive(key))) return false
  return (await places.claim(key)).ours
}
