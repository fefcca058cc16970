// The room of configurations: keys and values, and how they get into the files of a tree.
export { applyConfiguration, type AppliedConfiguration } from './apply-configuration.ts'
export type { ConfigurationToApply } from './configuration-to-apply.ts'
export { deleteConfiguration } from './delete-configuration.ts'
export type { ConfigurationsDeps } from './deps.ts'
export { getConfiguration, listConfigurations } from './list-configurations.ts'
export { readConfiguration } from './read-configuration.ts'
export { readUsage } from './read-usage.ts'
export { createConfiguration, updateConfiguration } from './write-configuration.ts'
