import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { Interrupted } from '../interrupted.ts'
import type { Io } from '../io.ts'

const serverCommands: Readonly<Record<string, string>> = {
  serve: 'run the control plane on this machine',
  migrate: 'bring the database to the schema of this version',
}

/** True for the commands of the server's own program, which is another package and another process. */
export function isServerCommand(name: string | undefined): boolean {
  return name !== undefined && Object.hasOwn(serverCommands, name)
}

/** For the list of commands; they never come to be parsed here, since their options are not ours. */
export function describeServerCommands(program: Command): void {
  for (const [name, description] of Object.entries(serverCommands)) {
    program.command(`${name} [arguments...]`).description(description)
  }
}

/** Gives the server's program the arguments, this terminal and the signals; says its exit code. */
export async function runServer(io: Io, args: readonly string[]): Promise<number> {
  const main = findServer()
  const child = spawn(process.execPath, [main, ...args], {
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
