import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { v7 as uuid } from 'uuid'
import type { Config } from '../config/read-config.ts'
import type { SignedRequestCheck } from '../http/authenticate.ts'
import {
  createFileLogStore,
  createLogPeers,
  createLogPlaces,
  createSharedLogStore,
  type FileLogStore,
  type LogReceiver,
  type LogStore,
  takeStock,
} from '../logs/index.ts'
import type { Store } from '../open-store.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Resources } from '../resources.ts'
import { dataDirectoryId } from '../server-keys.ts'
import {
  createCallServer,
  createRequestSigner,
  fingerprintOf,
  type KeptServer,
  keepServer,
  nameOf,
} from '../servers/index.ts'

/** Milliseconds that handing over the logs of the time before a start may take. */
const stockMs = 20_000

export interface OpenedLogs {
  /** Of all servers of the database. */
  logs: LogStore & LogReceiver
  /** Of this server's data directory. */
  ownLogs: FileLogStore
  /** This server among those of the database; null where there can be no other. */
  server: KeptServer | null
  /** Whether another server of the database has asked this. */
  verifyServer: SignedRequestCheck
}

/**
 * The logs; and with a database that others can use, this server's place among them. Rejects with a
 * StartupError while another one is alive that this one cannot work beside.
 */
export async function openLogs(
  config: Config,
  log: Logger,
  opened: { store: Store; objects: ObjectStore; masterKey: Buffer; version: string },
  resources: Resources,
): Promise<OpenedLogs> {
  const { store, objects, masterKey, version } = opened
  const { db } = store
  const directory = join(config.dataDir, 'logs')
  const ownLogs = createFileLogStore({ directory, objects, log })
  if (store.signals === undefined) {
    resources.add('logs', ownLogs, (logs) => logs.close())
    return { logs: ownLogs, ownLogs, server: null, verifyServer: () => false }
  }
  const home = await dataDirectoryId(config.dataDir)
  const server = resources.add(
    'server',
    await keepServer(
      { db, log },
      {
        id: uuid(),
        name: hostname(),
        home,
        version,
        keyFingerprint: fingerprintOf(masterKey),
        gitops: nameOfGitOps(config),
        objects: config.s3 === null ? 'files' : nameOf(config.s3.bucket, config.s3.prefix),
      },
    ),
    (kept) => kept.close(),
  )
  const others = (await server.listAlive()).filter(({ id }) => id !== server.identity.id)
  if (others.length > 0) {
    log.info({ servers: others.map(({ name }) => name) }, 'other servers work on this database')
  }
  resources.add('logs', ownLogs, (logs) => logs.close())
  const signer = createRequestSigner(masterKey)
  const places = createLogPlaces({ db, log, home })
  // A put waits for a store that is away; the start does not, and the logs stay with this server.
  const isThere = await objects.check().then(
    () => true,
    () => false,
  )
  const within = isThere ? AbortSignal.timeout(stockMs) : AbortSignal.abort()
  await takeStock({ local: ownLogs, places, home, log }, within)
  const peers = createLogPeers({ call: createCallServer({ self: server, signer }) })
  return {
    logs: createSharedLogStore({ local: ownLogs, places, peers, home, log }),
    ownLogs,
    server,
    verifyServer: ({ authorization, method, target }) =>
      signer.verify(authorization, { method, target, home }, server.now()),
  }
}

function nameOfGitOps({ gitops }: Config): string {
  return gitops.url === null ? 'embedded' : nameOf(gitops.url, gitops.branch)
}

/** Where the others reach this server, which listens on `port`. */
export function internalUrlOf(config: Config, port: number): string {
  const { internalUrl, host } = config.http
  if (internalUrl !== null) return internalUrl
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const name = isEverywhere ? hostname() : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
