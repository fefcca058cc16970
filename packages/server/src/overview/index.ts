// The room of what goes across repositories: it reads what others keep, and keeps nothing.
export { listOverviewRepositories } from './list-overview-repositories.ts'
export { listRedPipelines } from './list-red-pipelines.ts'
export { listWaitingForMe } from './list-waiting-for-me.ts'
export { listWaitingReleases } from './list-waiting-releases.ts'
export { readBoard } from './read-board.ts'
