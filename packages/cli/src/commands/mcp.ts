import type { Command } from 'commander'
import type { Act } from '../act.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'

export function addMcpCommand(program: Command, act: Act): void {
  program
    .command('mcp')
    .description('an MCP server on standard input and output: the tools of the Slipway server')
    .action(act((context) => mcp(context, program.version() ?? '')))
}

/** Until standard input ends. */
async function mcp(context: Context, version: string): Promise<number> {
  const { io } = context
  const { url, bearer } = await context.connect()
  // Loaded when it is needed: no other command is to wait for it.
  const { forwardMcp } = await import('../mcp/forward-mcp.ts')
  await forwardMcp({ url, bearer, version, ...io.raw, signal: io.signal })
  io.signal.throwIfAborted()
  return exitCodes.success
}
