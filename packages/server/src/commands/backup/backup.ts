import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { hasCode } from '../../directories.ts'
import { StartupError } from '../../errors.ts'
import {
  bundleName,
  type Manifest,
  manifestName,
  newestFormat,
  sequencesName,
} from '../archive/manifest.ts'
import { type ArchiveWriter, writeArchive } from '../archive/write-archive.ts'
import { type CommandDeps, readArguments, type ReadCommand } from '../command.ts'
import { masterKeyFingerprint } from '../master-key-fingerprint.ts'
import { connect } from './connect.ts'
import { describeDatabase, readSequences } from './describe-database.ts'
import { dumpFolder, dumpGitOps } from './dump-files.ts'
import { dumpTables } from './dump-tables.ts'
import { findDatabase } from './find-database.ts'

/** Logs go before objects: one that is sealed meanwhile is in at least one of them. */
const folders = ['logs', 'objects']

/** `backup <file|directory>`: one file with all that the server keeps, made while it runs or not. */
export const readBackup: ReadCommand = (args) => {
  const { flags, values } = readArguments(args, {
    flags: ['with-keys', 'without-files'],
    names: ['file|directory'],
  })
  const [target = ''] = values
  return (deps) =>
    backUp(deps, {
      target,
      withKeys: flags.has('with-keys'),
      withFiles: !flags.has('without-files'),
    })
}

async function backUp(
  deps: CommandDeps,
  input: { target: string; withKeys: boolean; withFiles: boolean },
): Promise<void> {
  const { config, log, signal } = deps
  const began = performance.now()
  const path = await chooseFile(input.target)
  const database = await findDatabase(config, log)
  try {
    const client = await connect(database.url)
    const archive = writeArchive(path, signal)
    try {
      await client.query('begin transaction isolation level repeatable read read only')
      const described = await describe(deps, client, input)
      await archive.put(manifestName, asContent(described))
      const rows = await dumpTables(client, archive, described.tables)
      await archive.put(sequencesName, asContent(await readSequences(client)))
      const files = await dumpDataDirectory(deps, archive, { path, described })
      await archive.finish()
      const seconds = (performance.now() - began) / 1000
      const { bytes } = archive
      log.info(
        {
          path,
          bytes,
          tables: described.tables.length,
          rows,
          files,
          seconds: round(seconds),
          megabytes_per_second: round(bytes / 1e6 / seconds),
        },
        'the backup is written',
      )
      tellWhatIsMissing(deps, input, described)
    } finally {
      await archive.discard()
      await client.end()
    }
  } finally {
    await database.close()
  }
}

async function describe(
  { config, version }: CommandDeps,
  client: Parameters<typeof describeDatabase>[0],
  { withFiles, withKeys }: { withFiles: boolean; withKeys: boolean },
): Promise<Manifest> {
  // The first query is what the snapshot is of.
  const database = await describeDatabase(client).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(`The database is not one of Slipway: ${reason}`, { cause: error })
  })
  return {
    format: newestFormat,
    version,
    createdAt: new Date().toISOString(),
    ...database,
    keyFingerprint: await masterKeyFingerprint(config),
    home: (await textOf(join(config.dataDir, 'data-directory-id')))?.trim() ?? null,
    files: [
      ...(withFiles ? folders.filter((name) => name !== 'objects' || config.s3 === null) : []),
      ...(withFiles && config.gitops.url === null ? [bundleName] : []),
      ...(withKeys ? Object.keys(await readKeys(config)) : []),
    ],
  }
}

async function dumpDataDirectory(
  { config, signal }: CommandDeps,
  archive: ArchiveWriter,
  { path, described }: { path: string; described: Manifest },
): Promise<number> {
  const { dataDir } = config
  const keys = await readKeys(config)
  let files = 0
  for (const name of described.files) {
    const key = keys[name]
    if (key !== undefined) {
      await archive.put(name, contentOf(key))
      files += 1
    } else if (name === bundleName) {
      const repository = join(dataDir, 'gitops.git')
      if (await dumpGitOps(archive, { repository, scratch: path }, signal)) files += 1
    } else {
      files += await dumpFolder(archive, { dataDir, folder: name }, signal)
    }
  }
  return files
}

function tellWhatIsMissing(
  { config, log }: CommandDeps,
  { withKeys, withFiles }: { withKeys: boolean; withFiles: boolean },
  { keyFingerprint }: Manifest,
): void {
  if (withKeys) {
    log.warn('the backup holds the master key: whoever can read it can read every secret')
  } else if (keyFingerprint !== null) {
    log.warn('the master key is not in the backup: without it no secret in there can be read')
  }
  if (!withFiles) log.warn('logs, files of builds and artifacts are not in the backup')
  else if (config.s3 !== null) {
    log.warn({ bucket: config.s3.bucket }, 'what is in the bucket is not in the backup')
  }
}

/** In a directory it gets a name of its own. What is there stays. */
async function chooseFile(target: string): Promise<string> {
  const path = resolve(target)
  const found = await stat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  })
  if (found?.isDirectory() === true) {
    const at = new Date().toISOString().replaceAll(/[:.]/g, '-')
    return join(path, `slipway-${at}.tar`)
  }
  if (found !== null) throw new StartupError(`${path} is there already`)
  const folder = await stat(join(path, '..')).catch(() => null)
  if (folder?.isDirectory() !== true) throw new StartupError(`There is no folder for ${path}`)
  return path
}

async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  })
}

const asContent = (value: unknown) => contentOf(JSON.stringify(value))

async function* contentOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

/** As the files of the data directory that they are kept in, wherever they are configured. */
async function readKeys({
  dataDir,
  masterKey,
  adminToken,
}: CommandDeps['config']): Promise<Record<string, string>> {
  const key = masterKey?.toString('base64') ?? (await textOf(join(dataDir, 'master-key')))
  const token = adminToken ?? (await textOf(join(dataDir, 'admin-token')))
  return {
    ...(key === null ? {} : { 'master-key': `${key.trim()}\n` }),
    ...(token === null ? {} : { 'admin-token': `${token.trim()}\n` }),
  }
}

const round = (value: number) => Math.round(value * 10) / 10
