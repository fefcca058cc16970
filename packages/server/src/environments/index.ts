// The room of environments: what must be true of a deployment, and what is deployed unasked.
export type { EnvironmentPolicy } from '../config/environments.ts'
export { findRelease } from './find-release.ts'
export { listEnvironments } from './list-environments.ts'
export { mayDeployAutomatically } from './may-deploy-automatically.ts'
export { type Environments, openEnvironments } from './open-environments.ts'
