/** Names beginning with SLIPWAY_ that other parts set or read, and the server leaves alone. */
export const namesOfOthers: ReadonlySet<string> = new Set([
  // What the command-line client and workers on other machines read.
  'SLIPWAY_URL',
  'SLIPWAY_SERVER',
  'SLIPWAY_TOKEN',
  'SLIPWAY_CLI_CONFIG',
  // What the container hooks of proxy runners read.
  'SLIPWAY_TOKEN_FILE',
  'SLIPWAY_LABELS',
  'SLIPWAY_ALLOW_HTTP',
  // What a step finds in its environment; a server may be started inside of one.
  'SLIPWAY_CACHE',
  'SLIPWAY_EXECUTION',
  'SLIPWAY_RUN_ID',
  'SLIPWAY_REPOSITORY',
  'SLIPWAY_BRANCH',
  'SLIPWAY_COMMIT_SHA',
  'SLIPWAY_TRIGGER_TYPE',
  'SLIPWAY_PHASE',
  'SLIPWAY_PROJECT',
  'SLIPWAY_STEP',
])
