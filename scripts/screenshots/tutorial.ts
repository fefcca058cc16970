import type { Page } from 'playwright-core'
import { createClient } from '@slipway/sdk'
import { createRepository } from '../../test/support/git-repository.ts'
import type { TestServer } from '../../test/support/server.ts'
import type { Scene } from './scenes.ts'
import { takeThroughRun } from './ship-releases.ts'
import { until } from './until.ts'

/** What the tutorial has made by its last step but one. */
export interface TutorialWorld {
  run: string
}

const repository = 'me/hello'
const project = 'hello'

/** Does what the tutorial says, up to staging. */
export async function fillTutorial(server: TestServer): Promise<TutorialWorld> {
  const client = createClient({ baseUrl: server.url, token: server.token })
  const made = await createRepository(server.repositories, repository)
  const commit = await made.commit({
    'greet.sh': 'echo "Hello, ${1:-you}"\n',
    '.forge/repo.yaml': `forgeVersion: '1'
phases:
  check: { group: 1 }
  test: { group: 2 }
  build: { group: 3 }
`,
    '.forge/project.yaml': `name: hello
phases:
  test:
    steps:
      - name: greeting
        run: test "$(sh greet.sh Ada)" = "Hello, Ada"
artifacts:
  script:
    type: archive
    producer: { path: greet.sh }
release:
  on: [{ manual: true }]
deploy:
  resources:
    - apiVersion: v1
      kind: ConfigMap
      metadata: { name: hello }
      data:
        script: { $artifact: { name: script, field: uri } }
`,
  })
  const run = await takeThroughRun(client, { repository, commit, trigger: 'manual' })
  await client.releases.create({
    repository,
    project,
    commit_sha: commit,
    pipeline_run_id: run,
    artifacts: [],
  })
  const release = await client.releases.get({ repository, project, release: '1' })
  const { id } = await client.deployments.create({ release_id: release.id, environment: 'staging' })
  await until('staging', async () => (await client.deployments.get(id)).status === 'active')
  return { run }
}

const inStaging = (page: Page) =>
  page.locator('td[data-title="staging"] [data-status="active"]').waitFor()

/** In the order of the tutorial: the last one brings the release to production. */
export const tutorialScenes: readonly Scene<TutorialWorld>[] = [
  {
    name: 'tutorial-sign-in',
    signedOut: true,
    size: { width: 1280, height: 560 },
    path: () => '/sign-in?return_to=/board#token=slw_p6GTwCDl0ViFZ4zWC6jhajZ4rhjlROdvnI0oc5a2',
    prepare: (page) => page.getByRole('button', { name: 'Sign in', exact: true }).waitFor(),
  },
  {
    name: 'tutorial-run',
    path: ({ run }) => `/runs/${run}`,
    async prepare(page) {
      await page.getByRole('heading', { level: 1 }).getByText('success').waitFor()
      await page.getByRole('log').getByText('Available as').waitFor()
    },
  },
  {
    name: 'tutorial-board',
    size: { width: 1280, height: 420 },
    path: () => '/board',
    prepare: inStaging,
  },
  {
    name: 'tutorial-production',
    size: { width: 1280, height: 420 },
    path: () => '/board',
    async prepare(page) {
      await page.getByRole('button', { name: 'Deploy hello #1 to production' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Why it may go there').fill('Greets as it should')
      await dialog.getByRole('button', { name: 'Approve', exact: true }).click()
      await dialog.getByRole('button', { name: 'Deploy to production' }).click()
      await dialog.waitFor({ state: 'detached' })
      await page.locator('td[data-title="production"] [data-status="active"]').waitFor()
    },
  },
]
