import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs the command in its arguments and stops it when our end of its standard input is gone: closed
 * by us, or by the kernel because we died. "stop" on a line stops it too, but leaves it all its time.
 * File 3 is a lock that the command and its children hold, and the watcher does not.
 */
const script = `
exec 4<&0 </dev/null
"$@" 4<&- &
child=$!
(
  exec 3<&-
  while read -r line; do
    [ "$line" = stop ] && kill -INT "$child"
  done <&4
  kill -INT "$child"
  sleep 0.5
  kill -QUIT "$child"
  sleep 3
  kill -KILL "$child"
) >/dev/null 2>&1 &
watcher=$!
exec 4<&-
wait "$child"
status=$?
kill "$watcher"
exit "$status"
`

export interface Guarded {
  /** How the command ended; a signal is 128 + its number. Never rejects. */
  readonly exited: Promise<number>
  /** Asks it to end, and insists after `patienceMs`. Resolves when it has ended. */
  stop(patienceMs: number): Promise<void>
}

export interface GuardedOptions {
  /** Where its output goes. */
  outputFd: number
  /** The lock it holds while it or a child of it lives. */
  lockFd: number
  user: { uid: number; gid: number } | null
}

/** Starts a command that does not outlive this process, in a session of its own: Ctrl-C passes it by. */
export function spawnGuarded(command: readonly string[], options: GuardedOptions): Guarded {
  const child = spawn('sh', ['-c', script, 'slipway-guard', ...command], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', options.outputFd, options.outputFd, options.lockFd],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...(options.user === null ? {} : { uid: options.user.uid, gid: options.user.gid }),
  })
  const pipe = child.stdin
  // The guard may end before a "stop" has reached it.
  pipe?.on('error', () => {})
  const exited = waitFor(child)
  return {
    exited,
    async stop(patienceMs) {
      pipe?.write('stop\n')
      const timer = setTimeout(() => pipe?.destroy(), patienceMs)
      await exited
      clearTimeout(timer)
      // Were the guard itself killed, its watcher would still be there, waiting for this.
      pipe?.destroy()
    },
  }
}

async function waitFor(child: ChildProcess): Promise<number> {
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? 255
  } catch {
    return 127
  }
}
