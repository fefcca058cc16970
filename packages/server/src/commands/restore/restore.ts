import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { v7 as uuid } from 'uuid'
import { openBucket } from '../../compose/open-object-store.ts'
import type { Config } from '../../config/read-config.ts'
import { startEmbeddedPostgres } from '../../db/embedded/start-embedded-postgres.ts'
import { lockDataDirectory } from '../../db/lock-data-directory.ts'
import { migrate, type Migration, readMigrations } from '../../db/migrate.ts'
import { openDatabase } from '../../db/open-database.ts'
import { hasCode, syncPath } from '../../directories.ts'
import { StartupError } from '../../errors.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { restoringFolder } from '../../refuse-unfinished-restore.ts'
import { keepText } from '../keep-text.ts'
import { readArchive } from '../archive/read-archive.ts'
import {
  type Manifest,
  manifestName,
  type SequenceState,
  sequencesName,
} from '../archive/manifest.ts'
import { connect } from '../backup/connect.ts'
import { type CommandDeps, readArguments, type ReadCommand } from '../command.ts'
import { fingerprintOfKey, masterKeyFingerprint } from '../master-key-fingerprint.ts'
import { emptySchema, isEmptySchema } from './empty-schema.ts'
import { type DatabaseLoader, loadDatabase } from './load-database.ts'
import { readManifest } from './read-manifest.ts'
import { type FileStager, placeFiles, stageFiles } from './stage-files.ts'

/** What of a data directory a restore would meet. */
const parts = ['postgres', 'objects', 'logs', 'gitops.git']

/** `restore <file>`: makes an empty data directory and database what they were when a backup was made. */
export const readRestore: ReadCommand = (args) => {
  const { flags, values } = readArguments(args, { flags: ['force', 'ignore-key'], names: ['file'] })
  const path = resolve(values[0] ?? '')
  return (deps) =>
    restore(deps, { path, force: flags.has('force'), ignoreKey: flags.has('ignore-key') })
}

async function restore(
  deps: CommandDeps,
  input: { path: string; force: boolean; ignoreKey: boolean },
): Promise<void> {
  const { config, log, signal } = deps
  const began = performance.now()
  const known = await readMigrations()
  const manifest = await readManifest(input.path, known, signal)
  if (!input.ignoreKey) await requireKey(config, input.path, manifest)
  log.info(
    { path: input.path, made: manifest.createdAt, by: manifest.version },
    'the backup is whole',
  )
  const lock = await lockDataDirectory(config.dataDir)
  try {
    const { dataDir } = config
    const staging = join(dataDir, restoringFolder)
    if (!input.force) await requireEmptyDirectory(dataDir)
    await rm(staging, { recursive: true, force: true })
    await mkdir(staging, { mode: 0o700 })
    await syncPath(dataDir)
    await letPostgresPass(dataDir)
    let isDecided = false
    const decide = () => void (isDecided = true)
    try {
      const loaded = await load(deps, { ...input, manifest, known, staging }, decide)
      decide()
      const aside = join(dataDir, `replaced-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`)
      await placeFiles({ dataDir, staging, aside })
      const seconds = (performance.now() - began) / 1000
      log.info(
        {
          ...loaded,
          seconds: Math.round(seconds * 10) / 10,
          megabytes_per_second: Math.round(loaded.bytes / 1e5 / seconds) / 10,
        },
        'the backup is restored',
      )
      if ((await readdir(dataDir)).some((name) => aside.endsWith(`/${name}`))) {
        log.warn(
          { path: aside },
          'what was there before is in this folder: delete it when you want',
        )
      }
    } catch (error) {
      // From then on there is no way back, and the folder tells the next start of it.
      if (!isDecided) await rm(staging, { recursive: true, force: true })
      throw error
    }
  } finally {
    await lock.release()
  }
}

/** Fills the database and the staging folder; `decide` is called before a database elsewhere changes. */
async function load(
  { config, log, signal }: CommandDeps,
  input: {
    path: string
    force: boolean
    manifest: Manifest
    known: readonly Migration[]
    staging: string
  },
  decide: () => void,
) {
  const { manifest, staging } = input
  const isEmbedded = config.databaseUrl === null
  const postgres = isEmbedded ? await startEmbeddedPostgres({ dataDir: staging, log }) : null
  const objects = config.s3 === null ? null : await openBucket(config.s3, log)
  const url = config.databaseUrl ?? postgres?.url ?? ''
  try {
    const client = await connect(url)
    try {
      await client.query('begin')
      if (!(await isEmptySchema(client))) {
        if (!input.force) {
          throw new StartupError(
            'The database is not empty. With --force everything in its schema is deleted, for ever, and replaced',
          )
        }
        await emptySchema(client)
      }
      const database = await loadDatabase(client, input)
      const withGitOps = config.gitops.url === null
      const files = stageFiles({ staging, objects, withGitOps }, signal)
      const counted = await distribute(input.path, { database, files, objects }, signal)
      const home = uuid()
      await keepText(join(staging, 'data-directory-id'), home)
      await database.complete({ was: manifest.home, is: home })
      // What happens to the embedded one happens in the staging folder.
      if (!isEmbedded) decide()
      await client.query('commit')
      await client.query('analyze')
      await client.end()
      await migrateForward(url, log)
      return { path: input.path, ...counted }
    } finally {
      await client.end().catch(() => undefined)
    }
  } finally {
    await objects?.close()
    await postgres?.stop()
  }
}

async function distribute(
  path: string,
  to: { database: DatabaseLoader; files: FileStager; objects: ObjectStore | null },
  signal: AbortSignal,
): Promise<{ bytes: number; files: number }> {
  let bytes = 0
  let files = 0
  for await (const { name, number, content } of readArchive(path, signal)) {
    bytes += content.length
    if (name === manifestName) continue
    if (name === sequencesName) {
      await to.database.sequences(JSON.parse(content.toString('utf8')) as SequenceState[])
    } else if (name.startsWith('tables/')) {
      await to.database.rows(name.slice('tables/'.length), content)
    } else if ((await to.files.write(name, content)) && number === 1) files += 1
  }
  await to.files.finish()
  return { bytes, files }
}

async function migrateForward(url: string, log: CommandDeps['log']): Promise<void> {
  const database = await openDatabase({ url, log })
  try {
    await migrate({ pool: database.pool, log })
  } finally {
    await database.close()
  }
}

/** What is sealed can only be read with the key that it was sealed under. */
async function requireKey(config: Config, path: string, manifest: Manifest): Promise<void> {
  const { keyFingerprint, files } = manifest
  if (keyFingerprint === null) return
  const present = await masterKeyFingerprint(config)
  if (present === null && files.includes('master-key')) return
  const known = [present, ...config.previousMasterKeys.map(fingerprintOfKey)]
  if (known.includes(keyFingerprint)) return
  const where = `${join(config.dataDir, 'master-key')} or SLIPWAY_MASTER_KEY`
  throw new StartupError(
    `${path} was made under ${present === null ? 'a master key that is not here' : 'another master key'}: ` +
      `put that one into ${where} first. With --ignore-key it is restored all the same, and every secret in it is lost`,
  )
}

/** Started as root, PostgreSQL may run as somebody else, whose way to the staging folder is through this one. */
async function letPostgresPass(dataDir: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  await chmod(dataDir, ((await stat(dataDir)).mode & 0o7777) | 0o011)
}

async function requireEmptyDirectory(dataDir: string): Promise<void> {
  const names = await readdir(dataDir)
  // What an interrupted restore has left is replaced by the next one.
  if (names.includes(restoringFolder)) return
  for (const name of parts.filter((part) => names.includes(part))) {
    if ((await entriesOf(join(dataDir, name))).length === 0) continue
    throw new StartupError(
      `The data directory ${dataDir} is not empty: it has ${name}. With --force what is there is moved aside`,
    )
  }
}

async function entriesOf(path: string): Promise<string[]> {
  return readdir(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  })
}
