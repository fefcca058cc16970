// The room of GitHub: what its webhook asks for, and what it is told.
export { approvePullRequest } from './approve-pull-request.ts'
export type { GithubDeps } from './deps.ts'
export { githubPrincipal } from './github-principal.ts'
export { listPullRequests } from './list-pull-requests.ts'
export { matchRepositories } from './match-repositories.ts'
export { type GithubDelivery, receiveDelivery, requireWebhook } from './receive-delivery.ts'
export { createDeliveryWriter } from './store-deliveries.ts'
export { type RunningGithub, startGithub } from './start-github.ts'
