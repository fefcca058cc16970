/**
 * Why an operation did not go through GitHub's MCP server.
 *
 * - `unreachable`: there is no connection, or it broke off.
 * - `timeout`: no answer in time.
 * - `nonsense`: an answer that says something else than it must.
 * - `missing_tool`: it has no tool that can be asked this.
 * - `tool_error`: its tool answered that it failed.
 */
export type FallbackReason = 'unreachable' | 'timeout' | 'nonsense' | 'missing_tool' | 'tool_error'

/** Never leaves this adapter: the caller falls back, or says what it means. */
export class McpFailure extends Error {
  override readonly name = 'McpFailure'
  readonly reason: FallbackReason
  /** Whether it is certain that the tool was not called. */
  readonly unsent: boolean

  constructor(reason: FallbackReason, message: string, unsent = false) {
    super(message)
    this.reason = reason
    this.unsent = unsent
  }
}
