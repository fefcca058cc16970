import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/server/dist/main.js', import.meta.url))

/** What a command of the server's program came to. */
export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the server's program with these arguments and settings; `started` is given its process id. */
export async function runServerCommand(
  args: readonly string[],
  env: Record<string, string>,
  started: (pid: number) => void = () => {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started(child.pid ?? 0)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}
