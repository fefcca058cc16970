import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { Interrupted } from '../interrupted.ts'
import type { Io } from '../io.ts'

const serverCommands: Readonly<Record<string, string>> = {
  serve: 'run the control plane on this machine',
  migrate: 'bring the database to the schema of this version',
  'rotate-keys': 'encrypt what is under a previous master key anew',
}

/** Commands of the server's own program, which is another package and another process. */
export function addServeCommands(program: Command, act: Act): void {
  for (const [name, description] of Object.entries(serverCommands)) {
    program
      .command(name)
      .description(`${description}; settings come from the environment`)
      .action(act((context) => runServer(context.io, name)))
  }
}

/** Gives the server's program this terminal and the signals; says its exit code. */
export async function runServer(
  io: Io,
  command: string,
  args: readonly string[] = [],
): Promise<number> {
  const main = findServer()
  const child = spawn(process.execPath, [main, command, ...args], {
    cwd: io.cwd,
    env: io.env,
    stdio: 'inherit',
  })
  const stop = () => {
    const { reason } = io.signal as { reason: unknown }
    // Ctrl-C reaches the server by itself; a second signal would cut its draining short.
    if (reason instanceof Interrupted && reason.cause === 'SIGINT') return
    child.kill('SIGTERM')
  }
  io.signal.addEventListener('abort', stop)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? 1
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
}

function findServer(): string {
  try {
    const main = fileURLToPath(import.meta.resolve('@slipway/server/main'))
    if (existsSync(main)) return main
  } catch {
    // Told below.
  }
  throw new CliError(
    'The server is not installed here, or not built',
    'In a clone of the repository: npm ci && npm run build',
  )
}
