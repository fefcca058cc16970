import type { Isolation } from './isolation.ts'
import { gateDescriptor, inputDescriptor, listBinds, statusDescriptor } from './isolation.ts'
import { insideUser, type SandboxView } from './sandbox-view.ts'

/** How much bubblewrap can do here; the strictest that works is used. */
export const bubblewrapFlavours = ['sealed', 'mapped', 'root'] as const
/**
 * sealed: another user inside, and no further user namespaces; mapped: those are possible (before
 * bubblewrap 0.8); root: no user namespaces at all, the server's own user without capabilities.
 */
export type BubblewrapFlavour = (typeof bubblewrapFlavours)[number]

const user = ['--unshare-user', '--uid', String(insideUser.uid), '--gid', String(insideUser.gid)]
const namespaces: Readonly<Record<BubblewrapFlavour, readonly string[]>> = {
  sealed: ['--unshare-all', ...user, '--disable-userns'],
  mapped: ['--unshare-all', ...user],
  root: [
    '--unshare-ipc',
    '--unshare-pid',
    '--unshare-uts',
    '--unshare-cgroup-try',
    '--unshare-net',
  ],
}

const descriptions: Readonly<Record<BubblewrapFlavour, string>> = {
  sealed: 'bubblewrap',
  mapped: 'bubblewrap (further user namespaces cannot be forbidden)',
  root: 'bubblewrap (without user namespaces)',
}

/** `program` is the absolute path of bwrap. */
export function bubblewrap(
  program: string,
  view: SandboxView,
  flavour: BubblewrapFlavour,
): Isolation {
  const system = [
    ...namespaces[flavour],
    '--die-with-parent',
    '--new-session',
    '--cap-drop',
    'ALL',
    '--clearenv',
    ...[...view.shown, ...view.shownFiles].flatMap((path) => ['--ro-bind', path, path]),
    ...view.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...view.coveredDirectories.flatMap((path) => ['--tmpfs', path]),
    ...view.hiddenDirectories.flatMap((path) => ['--ro-bind', view.emptyDirectory, path]),
    ...view.hiddenFiles.flatMap((path) => ['--ro-bind', view.emptyFile, path]),
    ...(flavour === 'root' ? [] : ['--ro-bind', view.passwd, '/etc/passwd']),
    '--proc',
    '/proc',
    ...view.frozenProc.flatMap((path) => ['--ro-bind', path, path]),
    ...view.hiddenProc.flatMap((path) => ['--ro-bind', view.emptyFile, path]),
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    '--dir',
    insideUser.home,
    '--dir',
    '/run',
    '--dir',
    '/var',
    '--symlink',
    '../tmp',
    '/var/tmp',
  ]
  return {
    mode: 'bubblewrap',
    description: descriptions[flavour],
    contained: true,
    overhead: 2,
    launch({ spec, argv, env, marker }) {
      const options = [
        ...system,
        ...(spec.network === 'host' ? ['--share-net'] : []),
        ...listBinds(spec).flatMap(({ path, write }) => [
          write ? '--bind' : '--ro-bind',
          path,
          path,
        ]),
        '--remount-ro',
        '/',
        '--chdir',
        spec.directory,
        ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
      ]
      return {
        file: program,
        args: [
          '--args',
          String(inputDescriptor),
          '--json-status-fd',
          String(statusDescriptor),
          '--block-fd',
          String(gateDescriptor),
          '--',
          ...argv,
        ],
        cwd: '/',
        // The command's variables must not reach the launcher: LD_PRELOAD would run outside.
        env: { [marker.name]: marker.value },
        // As a file and not as arguments, which every user of the host can read.
        input: Buffer.from(options.map((option) => `${option}\0`).join('')),
      }
    },
    readStatus(text) {
      const init = /"child-pid": (\d+)[,\s}]/.exec(text)?.[1]
      // Told only if the command was executed; a command cannot write here.
      return {
        init: init === undefined ? null : Number(init),
        started: text.includes('"exit-code"'),
      }
    },
    readFailure(output) {
      const line = output.split('\n', 1)[0] ?? ''
      if (!line.startsWith('bwrap: execvp ')) return { kind: 'no-sandbox', reason: line }
      return { kind: 'no-command', exitCode: line.endsWith('Permission denied') ? 126 : 127 }
    },
  }
}
