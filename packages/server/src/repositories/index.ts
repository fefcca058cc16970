// The room of repositories: where each is and how to get in, for all families.
export type { RepositoriesDeps } from './deps.ts'
export {
  deleteRepository,
  getRepository,
  listBranches,
  listRepositories,
} from './list-repositories.ts'
export { locateRepository, locateUrl, type RepositoryLocation } from './locate-repository.ts'
export { validateUrl } from './validate-url.ts'
export { verifyRepository } from './verify-repository.ts'
export { createRepository, updateRepository } from './write-repository.ts'
