import type { Log } from '../db/log.ts'
import { ServerAway } from '../servers/index.ts'
import type { FileLogStore } from './file-log-store.ts'
import { followShared } from './follow-shared-log.ts'
import { missingLine, patiently, unavailable } from './log-away.ts'
import type { LogPeers } from './log-peers.ts'
import type { LogPlaces } from './log-places.ts'
import type { LogStat, LogStore, LogWriter } from './log-store.ts'
import type { LogReceiver } from './receive-log.ts'

export interface SharedLogsDeps {
  /** The logs of this server's data directory. */
  local: FileLogStore
  places: LogPlaces
  peers: LogPeers
  /** Id of the data directory. */
  home: string
  log: Log
}

/**
 * The logs of all servers of a database. What is being written is in the data directory of one of them,
 * and the others ask it; what is sealed is in the object store that they share. Whoever goes on with a log has
 * it handed to the object store first, by whoever had it; where that server cannot be asked, the log goes on
 * without what is there, and a line says so.
 *
 * Failure: what only a server has that cannot be asked is `unavailable`, with its name.
 */
export function createSharedLogStore(deps: SharedLogsDeps): LogStore & LogReceiver {
  const { local, places, peers, home, log } = deps

  /** The data directory of another server that has the log; null: it is here, or in the object store. */
  const elsewhere = async (key: string): Promise<string | null> => {
    if (local.isWritten(key)) return null
    const place = await places.find(key)
    return place === null || place.home === home ? null : place.home
  }

  /** Asks the server that has the log, or answers from what is sealed; `unavailable` where nothing is. */
  const ask = async <T>(
    key: string,
    there: (home: string) => Promise<T>,
    here: () => Promise<T>,
  ): Promise<T> => {
    const other = await elsewhere(key)
    if (other === null) return here()
    try {
      return await there(other)
    } catch (error) {
      if (!(error instanceof ServerAway)) throw error
      if ((await local.stat(key)) === null) throw unavailable(error)
      return here()
    }
  }

  /** The same for what comes in pieces; once one has come, there is no second source. */
  async function* stream<T>(
    key: string,
    there: (home: string) => AsyncIterable<T>,
    here: () => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const other = await elsewhere(key)
    if (other !== null) {
      let hasBegun = false
      try {
        for await (const piece of there(other)) {
          hasBegun = true
          yield piece
        }
        return
      } catch (error) {
        if (!(error instanceof ServerAway)) throw error
        if (hasBegun || (await local.stat(key)) === null) throw unavailable(error)
      }
    }
    yield* here()
  }

  /** A file here that is not the newest of its log: kept under another key, for whoever looks for it. */
  const setAsideStale = async (key: string, was: 'nowhere' | 'parked' | 'elsewhere') => {
    if (local.isWritten(key) || !(await local.isLive(key))) return
    const aside = await local.setAside(key, was === 'nowhere')
    if (aside !== null) log.warn({ key, aside }, 'an earlier part of a log was put aside')
  }

  /** Makes the log this server's. Answers whether nobody had it, or who has a part of it that cannot be had. */
  const makeOurs = async (
    key: string,
  ): Promise<{ wasNowhere: boolean; missing: ServerAway | null }> => {
    let missing: ServerAway | null = null
    for (;;) {
      const claim = await places.claim(key)
      if (claim.ours) {
        if (claim.before !== 'here') await setAsideStale(key, claim.before)
        return { wasNowhere: claim.before === 'nowhere', missing }
      }
      try {
        await peers.park(claim.home, key)
        await places.park(key, claim.home)
      } catch (error) {
        if (!(error instanceof ServerAway)) throw error
        if (!(await places.takeOver(key, claim.home))) continue
        missing = error
        await setAsideStale(key, 'elsewhere')
      }
    }
  }

  /** Hands over what nobody writes any more, so that any server can go on with it. */
  const park = async (key: string) => {
    try {
      await local.park(key)
      await places.park(key, home)
    } catch (error) {
      log.warn({ err: error, key }, 'a log could not be handed over, and stays with this server')
    }
  }

  const stat = (key: string): Promise<LogStat | null> =>
    ask(
      key,
      (other) => peers.stat(other, key),
      async () => {
        const found = await local.stat(key)
        if (found === null || !found.sealed) return found
        // One that is parked goes on.
        return { ...found, sealed: (await places.find(key)) === null }
      },
    )

  return {
    async open(key, { marker, isNew = false, ...options }) {
      const { wasNowhere, missing } = await patiently(() => makeOurs(key))
      const first = missing === null || options.replayed === true ? marker : missingLine(missing)
      const writer = await local.open(key, {
        ...options,
        isNew: isNew && wasNowhere,
        ...(first === undefined ? {} : { marker: first }),
      })
      if (first !== marker && marker !== undefined) await writer.note(marker)
      return {
        ...writer,
        async seal() {
          const stat = await writer.seal()
          if (stat.sealed) await forget(key)
          return stat
        },
        async suspend() {
          await writer.suspend()
          await park(key)
        },
      } satisfies LogWriter
    },

    stat,

    read: (key, range, signal) =>
      stream(
        key,
        (other) => peers.read(other, key, range, signal),
        () => local.read(key, range, signal),
      ),

    follow: (key, range, signal) =>
      followShared({ ...deps, stat, unavailable }, key, range, signal),

    readBytes: (key, start, end) =>
      stream(
        key,
        (other) => peers.readBytes(other, key, start, end),
        () => local.readBytes(key, start, end),
      ),

    readEnd: (key, bytes) =>
      ask(
        key,
        (other) => peers.readEnd(other, key, bytes),
        () => local.readEnd(key, bytes),
      ),

    async requireReachable(key) {
      await ask(
        key,
        async (other) => void (await peers.stat(other, key)),
        async () => {},
      )
    },

    async deletePrefix(prefix) {
      const others = await places.forgetUnder(prefix)
      await local.deletePrefix(prefix)
      for (const other of others) {
        await peers.deletePrefix(other, prefix).catch((error: unknown) => {
          log.warn(
            { err: error, prefix },
            'logs that another server has are deleted when it is back',
          )
        })
      }
    },

    async sealAbandoned(keyOrPrefix) {
      const live = keyOrPrefix.endsWith('/')
        ? await local.listLive(keyOrPrefix)
        : (await local.isLive(keyOrPrefix))
          ? [keyOrPrefix]
          : []
      const ours = await places.ours(live)
      for (const key of live) {
        if (local.isWritten(key)) continue
        if (ours.has(key)) {
          await local.sealAbandoned(key)
          await places.forget(key)
        } else await setAsideStale(key, 'elsewhere')
      }
      await places.forgetParked(keyOrPrefix)
    },

    async listAbandoned(prefix) {
      const [here, parked] = await Promise.all([
        local.listAbandoned(prefix),
        places.listParked(prefix),
      ])
      return [...new Set([...here, ...parked])]
    },

    async receive(key, piece) {
      for (;;) {
        if ((await places.find(key))?.home === home) return local.receive(key, piece)
        const claim = await places.claim(key)
        if (claim.ours) {
          if (claim.before !== 'here') await setAsideStale(key, claim.before)
          continue
        }
        try {
          return await peers.receive(claim.home, key, piece)
        } catch (error) {
          if (!(error instanceof ServerAway)) throw error
          // The worker has all of it, and sends it again.
          if (await places.takeOver(key, claim.home)) await setAsideStale(key, 'elsewhere')
        }
      }
    },

    async sealReceived(key, whole) {
      const other = await elsewhere(key)
      try {
        const sealed =
          other === null
            ? await local.sealReceived(key, whole)
            : await peers.sealReceived(other, key, whole)
        if (sealed.sealed) await forget(key, other ?? home)
        return sealed
      } catch (error) {
        if (error instanceof ServerAway) return { bytes: 0, indexBytes: 0, sealed: false }
        throw error
      }
    },

    openWhole: (key) =>
      ask(
        key,
        (other) => peers.openWhole(other, key),
        () => local.openWhole(key),
      ),

    close: () => local.close(),
  }

  /** What is sealed is sealed: a row that stays is found by whoever looks for abandoned logs. */
  async function forget(key: string, from?: string): Promise<void> {
    await places.forget(key, from).catch((error: unknown) => {
      log.warn({ err: error, key }, 'a sealed log is still held for one that is being written')
    })
  }
}
