export type { Action, Argv, CommandContext } from './actions/action.ts'
export { actions } from './actions/table.ts'
export { type BranchMatcher, compileBranchGlob, compileBranchRegex } from './branch-patterns.ts'
export type {
  ArtifactConfig,
  CommandConfig,
  EnvironmentConfig,
  KubernetesResource,
  PhaseConfig,
  ProjectConfig,
  ProjectPhaseConfig,
  PublisherConfig,
  ReleaseTriggerConfig,
  RepositoryConfig,
  SecretConfig,
  StepConfig,
} from './config.ts'
export { findCueBinary } from './cue/run-cue-binary.ts'
export { formatDuration, parseDuration } from './duration.ts'
export { type ForgeFormat, forgeFormats, isForgeFile } from './forge-files.ts'
export { initForge, type InitForgeOptions } from './init-forge.ts'
export {
  loadForge,
  type LoadForgeOptions,
  type LoadForgeResult,
  type SourceTree,
} from './load-forge.ts'
export type { ConfigurationProblem } from './problems.ts'
export { readServerPublishers, type ServerPublisherConfig } from './read-server-publishers.ts'
export { readYaml } from './read-yaml.ts'
export { ProjectFile } from './schema/project-file.ts'
export { RepositoryFile } from './schema/repository-file.ts'
export { stepCommand } from './step-command.ts'
