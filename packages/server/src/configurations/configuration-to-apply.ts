import type { ConfigurationTarget } from '@slipway/contract/configurations'

/** Keys and values, and the files they are merged into. */
export interface ConfigurationToApply {
  name: string
  settings: Readonly<Record<string, unknown>>
  targets: readonly ConfigurationTarget[]
}
