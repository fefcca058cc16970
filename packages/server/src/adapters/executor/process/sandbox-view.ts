import { lstat, mkdir, readdir, readlink, realpath, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { contains } from '../check-spec.ts'
import { systemPath } from './find-tool.ts'

/**
 * What a command sees of the host besides its own directories. It is made once; every isolation
 * builds the same view from it. Whatever is not named here does not exist for the command.
 */
export interface SandboxView {
  /** Directories, read-only, each at its own path. */
  readonly shown: readonly string[]
  /** Single files outside of these, likewise. */
  readonly shownFiles: readonly string[]
  readonly links: readonly { path: string; target: string }[]
  /** Files inside what is shown that an empty file covers. */
  readonly hiddenFiles: readonly string[]
  /** Directories inside what is shown that an empty directory covers. */
  readonly hiddenDirectories: readonly string[]
  /** Covered, too, but a workspace may lie below: the cover takes mount points. */
  readonly coveredDirectories: readonly string[]
  /** In `/proc`: read-only, then covered. */
  readonly frozenProc: readonly string[]
  readonly hiddenProc: readonly string[]
  /** The directory of node goes first where it is not among the system's. */
  readonly path: string
  readonly emptyFile: string
  readonly emptyDirectory: string
  /** Takes the place of `/etc/passwd`, so that the command's user has a name and a home. */
  readonly passwd: string
}

/** The PATH of a command that brings none. */
export function searchPath(nodeDirectory: string): string {
  const system: readonly string[] = systemPath
  return (system.includes(nodeDirectory) ? system : [nodeDirectory, ...system]).join(':')
}

/** The user that commands are, inside, where user namespaces allow that they are not root. */
export const insideUser = { uid: 1000, gid: 100, home: '/tmp/home' } as const

const passwd = `root:x:0:0:root:/root:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
slipway:x:${insideUser.uid}:${insideUser.gid}:Slipway:${insideUser.home}:/bin/sh
`

/** Programs, libraries and their settings. */
const systemRoots = ['/usr', '/etc', '/opt', '/nix/store']
const systemLinks = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** How deep to look for private files where programs of the host's own keep their settings. */
const searchDepth: Readonly<Record<string, number>> = { '/etc': 8, '/opt': 3, '/usr/local/etc': 3 }
/** Files of `/etc` that are often links into places that are not shown. */
const linkedFiles = ['resolv.conf', 'hosts', 'localtime', 'nsswitch.conf']

export interface ViewOptions {
  /** Absolute; for the few files the view needs. */
  stateDir: string
  /** Absolute paths of the host that no command may see, wherever they lie. */
  hide: readonly string[]
}

export async function describeView(options: ViewOptions): Promise<SandboxView> {
  const emptyFile = `${options.stateDir}/empty-file`
  const emptyDirectory = `${options.stateDir}/empty-directory`
  const passwdFile = `${options.stateDir}/passwd`
  await Promise.all([
    writeFile(emptyFile, '', { mode: 0o644 }),
    mkdir(emptyDirectory, { recursive: true, mode: 0o755 }),
    writeFile(passwdFile, passwd, { mode: 0o644 }),
  ])

  const shown: string[] = []
  const shownFiles: string[] = []
  const links: { path: string; target: string }[] = []
  const isShown = (path: string): boolean => shown.some((root) => contains(root, path))
  for (const path of [...systemRoots, ...systemLinks]) {
    const info = await lstat(path).catch(() => null)
    if (info?.isSymbolicLink()) links.push({ path, target: await readlink(path) })
    else if (info?.isDirectory()) shown.push(path)
  }
  const node = await realpath(process.execPath)
  const nodeDirectory = dirname(node)
  for (const path of [nodeDirectory, `${dirname(nodeDirectory)}/lib/node_modules`]) {
    if (!isShown(path) && (await exists(path))) shown.push(path)
  }
  for (const name of linkedFiles) {
    const real = await realpath(`/etc/${name}`).catch(() => null)
    if (real !== null && !isShown(real)) shownFiles.push(real)
  }

  const hiddenFiles: string[] = []
  const hiddenDirectories: string[] = []
  const coveredDirectories: string[] = []
  for (const path of options.hide) {
    const info = await lstat(path).catch(() => null)
    if (!info || !isShown(path)) continue
    if (info.isDirectory()) coveredDirectories.push(path)
    else hiddenFiles.push(path)
  }
  for (const [root, depth] of Object.entries(searchDepth)) {
    await findPrivate(root, depth, hiddenFiles, hiddenDirectories)
  }
  const inProc = async (names: readonly string[]): Promise<string[]> => {
    const paths = names.map((name) => `/proc/${name}`)
    const there = await Promise.all(paths.map(exists))
    return paths.filter((_, index) => there[index])
  }
  const [frozenProc, hiddenProc] = await Promise.all([
    inProc(['sys', 'sysrq-trigger', 'irq', 'bus', 'fs']),
    inProc(['kcore', 'keys', 'timer_list', 'sched_debug']),
  ])
  return {
    shown,
    shownFiles,
    links,
    hiddenFiles,
    hiddenDirectories,
    coveredDirectories,
    frozenProc,
    hiddenProc,
    path: searchPath(nodeDirectory),
    emptyFile,
    emptyDirectory,
    passwd: passwdFile,
  }
}

/**
 * Finds what not every user of the host may read: a command often has the server's own rights over
 * files, and must not have more than a stranger's. What the server itself cannot read needs no cover.
 */
async function findPrivate(
  directory: string,
  depth: number,
  files: string[],
  directories: string[],
): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  await Promise.all(
    entries.map(async (entry) => {
      // Most of what is there are links, which have no rights of their own.
      if (entry.isSymbolicLink()) return
      const path = `${directory}/${entry.name}`
      const info = await lstat(path).catch(() => null)
      if (!info) return
      if (info.isDirectory()) {
        if ((info.mode & 0o005) !== 0o005) directories.push(path)
        else if (depth > 1) await findPrivate(path, depth - 1, files, directories)
      } else if ((info.mode & 0o004) === 0 && info.size > 0) {
        files.push(path)
      }
    }),
  )
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null
}
