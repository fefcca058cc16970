/** What the command's exit code says; `docs/cli.md` lists the same. */
export const exitCodes = {
  success: 0,
  /** The run failed, the configuration is invalid, the server is unhealthy. */
  failed: 1,
  /** Wrong arguments or settings: nothing was asked of a server. */
  usage: 2,
  /** The run was cancelled. */
  cancelled: 3,
  /** The server refused the request. */
  refused: 4,
  /** No server answered. */
  unreachable: 5,
  /** A stage of a run was given up: nothing of it went on. */
  timedOut: 124,
  /** Ctrl-C. */
  interrupted: 130,
} as const
