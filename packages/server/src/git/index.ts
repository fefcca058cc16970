export { checkout } from './checkout.ts'
export { refNameProblem } from './check-ref-name.ts'
export { GitError, withoutCredentials } from './git-error.ts'
export {
  type GitLogin,
  type GitProtocol,
  type GitRemote,
  parseRemoteUrl,
  protocolOf,
} from './git-remote.ts'
export { listRemote, type RemoteBranches } from './list-remote.ts'
export type { Mirror } from './mirror.ts'
export { createMirrors, type Mirrors } from './mirrors.ts'
export { type GitAccess, openRemote } from './open-remote.ts'
export { type CommitForge, readForge } from './read-forge.ts'
export { type ResolvedRef, resolveRef } from './resolve-ref.ts'
export { retryPassing } from './retry-passing.ts'
export { repositoryUrl } from './repository-url.ts'
export { removeLocks } from './remove-locks.ts'
export { type GitResult, runGit } from './run-git.ts'
export { serveUploadPack } from './serve-upload-pack.ts'
export { createTurns } from './take-turns.ts'
