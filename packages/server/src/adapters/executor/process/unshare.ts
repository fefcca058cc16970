import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../../../errors.ts'
import type { Isolation } from './isolation.ts'
import { listBinds } from './isolation.ts'
import { insideUser, type SandboxView } from './sandbox-view.ts'
import { encodeEnvironment, fstabLine, runScript, setupScript } from './unshare-scripts.ts'

export const unshareFlavours = ['mapped', 'root'] as const
/** mapped: by user namespaces; root: the server's own user without capabilities. */
export type UnshareFlavour = (typeof unshareFlavours)[number]

export interface UnshareTools {
  unshare: string
  setpriv: string
}

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const deviceLinks: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
}

/**
 * Namespaces by util-linux, where there is no bubblewrap. `directory` is emptied and takes what is
 * the same for every execution: the root's skeleton and the list of its mounts.
 */
export async function unshare(
  tools: UnshareTools,
  view: SandboxView,
  flavour: UnshareFlavour,
  directory: string,
): Promise<Isolation> {
  const root = `${directory}/root`
  const skeleton = `${directory}/skeleton`
  const fstab = `${directory}/fstab`
  await rm(directory, { recursive: true, force: true })
  await mkdir(root, { recursive: true, mode: 0o700 })
  await makeSkeleton(skeleton, view)
  await writeFile(fstab, listMounts(root, view, flavour), { mode: 0o600 })

  const mapped = flavour === 'mapped'
  const namespaces = [
    ...(mapped ? ['--user', '--map-root-user'] : []),
    '--mount',
    '--pid',
    '--ipc',
    '--uts',
    '--cgroup',
    '--fork',
    '--kill-child=KILL',
  ]
  return {
    mode: 'unshare',
    description: mapped
      ? 'namespaces by unshare'
      : 'namespaces by unshare (without user namespaces)',
    contained: true,
    overhead: 2,
    launch({ spec, argv, env, marker }) {
      const odd = Object.keys(env).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      if (odd !== undefined) {
        throw new AppError(
          'invalid_request',
          `The environment variable ${JSON.stringify(odd)} needs bubblewrap: without it a name is made of A-Z a-z 0-9 _`,
        )
      }
      return {
        file: tools.setpriv,
        args: [
          // Kept across exec: the tree ends with the server even if nobody is left to end it.
          '--pdeathsig',
          'KILL',
          '--',
          tools.unshare,
          ...namespaces,
          ...(spec.network === 'none' ? ['--net'] : []),
          '--',
          '/bin/sh',
          '-c',
          setupScript,
          'sh',
          root,
          skeleton,
          fstab,
          mapped ? `${insideUser.uid}:${insideUser.gid}` : '',
          spec.network,
          tools.unshare,
          tools.setpriv,
          runScript,
          ...listBinds(spec).flatMap(({ path, write }) => [write ? 'rw' : 'ro', path]),
          '--',
          spec.directory,
          ...argv,
        ],
        cwd: '/',
        env: { [marker.name]: marker.value, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        input: encodeEnvironment(env),
      }
    },
    readStatus(text) {
      const init = /^init (\d+)\n/.exec(text)?.[1]
      return { init: init === undefined ? null : Number(init), started: text.endsWith('started\n') }
    },
    readFailure: (output) => ({ kind: 'no-sandbox', reason: output.split('\n', 1)[0] ?? '' }),
  }
}

/** Mount points and links, copied into each execution's root. */
async function makeSkeleton(skeleton: string, view: SandboxView): Promise<void> {
  const directories = ['/proc', '/tmp', '/run', '/var', '/dev/pts', '/dev/shm']
  await Promise.all(
    [...directories, ...view.shown].map((path) =>
      mkdir(`${skeleton}${path}`, { recursive: true, mode: 0o755 }),
    ),
  )
  const files = [...devices.map((name) => `/dev/${name}`), ...view.shownFiles]
  await Promise.all(
    files.map(async (path) => {
      await mkdir(dirname(`${skeleton}${path}`), { recursive: true, mode: 0o755 })
      await writeFile(`${skeleton}${path}`, '')
    }),
  )
  await Promise.all([
    ...view.links.map(({ path, target }) => symlink(target, `${skeleton}${path}`)),
    ...Object.entries(deviceLinks).map(([name, target]) =>
      symlink(target, `${skeleton}/dev/${name}`),
    ),
    symlink('../tmp', `${skeleton}/var/tmp`),
  ])
}

/** The fstab that `mount --all` goes through, in order: one process for all that never changes. */
function listMounts(root: string, view: SandboxView, flavour: UnshareFlavour): string {
  const at = (path: string): string => `${root}${path}`
  const shown = (source: string, path: string): string =>
    fstabLine(source, at(path), 'none', 'bind,ro,nosuid,nodev')
  return [
    ...[...view.shown, ...view.shownFiles].map((path) => shown(path, path)),
    ...view.coveredDirectories.map((path) =>
      fstabLine('slipway', at(path), 'tmpfs', 'nosuid,nodev,mode=0755'),
    ),
    ...view.hiddenDirectories.map((path) => shown(view.emptyDirectory, path)),
    ...view.hiddenFiles.map((path) => shown(view.emptyFile, path)),
    ...(flavour === 'mapped' ? [shown(view.passwd, '/etc/passwd')] : []),
    fstabLine('proc', at('/proc'), 'proc', 'nosuid,nodev,noexec'),
    ...view.frozenProc.map((path) =>
      fstabLine(at(path), at(path), 'none', 'bind,ro,nosuid,nodev,noexec'),
    ),
    ...view.hiddenProc.map((path) => shown(view.emptyFile, path)),
    ...devices.map((name) => fstabLine(`/dev/${name}`, at(`/dev/${name}`), 'none', 'bind')),
    fstabLine('devpts', at('/dev/pts'), 'devpts', 'nosuid,noexec,newinstance,ptmxmode=0666'),
    fstabLine('slipway', at('/dev/shm'), 'tmpfs', 'nosuid,nodev,mode=1777'),
    fstabLine('slipway', at('/tmp'), 'tmpfs', 'nosuid,nodev,mode=1777'),
  ].join('')
}
