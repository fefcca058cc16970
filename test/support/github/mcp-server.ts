import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import type { McpEndpoint } from '../../../packages/server/src/adapters/github/mcp/open-transport.ts'
import type { McpGeneration } from './mcp-tools.ts'

/** What goes wrong with calls of a tool; `-after` when GitHub has already been asked. */
export type McpFault =
  | 'crash'
  | 'hang'
  /** What it writes to its standard output is no message. */
  | 'noise'
  | 'garbage'
  | 'nonsense'
  | 'crash-after'
  | 'hang-after'
  | 'garbage-after'

export interface McpServerPlace {
  endpoint: McpEndpoint
  /** With its words as one would write them in a shell; '' where it is over HTTP. */
  commandLine: string
  behave(fault: McpFault | null): void
  /** Of the process that was started last. */
  pid(): number
  /** Stops the one over HTTP. */
  stop(): Promise<void>
}

/** A server of the protocol, which asks the API at `api`; gone after the test. */
export async function placeMcpServer(input: {
  api: string
  generation: McpGeneration
  transport: 'stdio' | 'http'
  without?: readonly string[]
}): Promise<McpServerPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-mcp-'))
  const [pidFile, faultFile, portFile] = ['pid', 'fault', 'port'].map((name) => join(folder, name))
  const args = [
    '--import',
    'tsx',
    fileURLToPath(new URL('mcp-server-process.ts', import.meta.url)),
    `--api=${input.api}`,
    `--generation=${input.generation}`,
    `--pid=${pidFile}`,
    `--fault=${faultFile}`,
    ...(input.without ?? []).flatMap((name) => ['--without', name]),
  ]
  let child: ChildProcess | null = null
  const stop = async () => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  onTestFinished(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })
  let endpoint: McpEndpoint = { kind: 'stdio', command: process.execPath, args }
  if (input.transport === 'http') {
    child = spawn(process.execPath, [...args, '--port', portFile ?? ''], { stdio: 'ignore' })
    const portOf = () => Number(readFileSync(portFile ?? '', 'utf8'))
    await expect.poll(() => portOrZero(portOf), { timeout: 20_000 }).toBeGreaterThan(0)
    endpoint = { kind: 'http', url: `http://127.0.0.1:${portOf()}/mcp` }
  }
  return {
    endpoint,
    commandLine: input.transport === 'http' ? '' : [process.execPath, ...args].join(' '),
    behave: (fault) => writeFileSync(faultFile ?? '', fault ?? ''),
    pid: () => Number(readFileSync(pidFile ?? '', 'utf8')),
    stop,
  }
}

function portOrZero(read: () => number): number {
  try {
    return read()
  } catch {
    return 0
  }
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
