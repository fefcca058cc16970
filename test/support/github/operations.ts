/** The version of npm's `@octokit/openapi` that `openapi.gen.json` is taken from. */
export const openApiVersion = '23.0.2'

/** What the stand-in for GitHub answers, by the ids of GitHub's API description. */
export const operationIds = [
  'actions/create-workflow-dispatch',
  'actions/delete-self-hosted-runner-from-repo',
  'actions/generate-runner-jitconfig-for-repo',
  'actions/get-job-for-workflow-run',
  'actions/get-workflow-run',
  'actions/get-workflow-run-attempt',
  'actions/list-jobs-for-workflow-run-attempt',
  'actions/list-repo-workflows',
  'actions/list-self-hosted-runners-for-repo',
  'actions/list-workflow-run-artifacts',
  'actions/list-workflow-runs-for-repo',
  'apps/create-installation-access-token',
  'apps/get-repo-installation',
  'apps/list-installations',
  'apps/list-repos-accessible-to-installation',
  'repos/create-commit-status',
  'repos/create-deployment',
  'repos/create-deployment-status',
  'repos/create-release',
  'repos/delete-release-asset',
  'repos/get',
  'repos/get-commit',
  'repos/get-release-by-tag',
  'repos/list-deployments',
  'repos/list-for-authenticated-user',
  'repos/list-release-assets',
  'repos/update-release',
  'repos/upload-release-asset',
] as const
export type OperationId = (typeof operationIds)[number]

export const howToRegenerate =
  `npm pack @octokit/openapi@${openApiVersion} --pack-destination FOLDER, unpack it there, then ` +
  'npx tsx scripts/extract-github-operations.ts FOLDER/package/generated/api.github.com.json'
