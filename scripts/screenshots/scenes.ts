import type { Page } from 'playwright-core'
import type { World } from './fill-world.ts'

/** One picture: where, how large, and what must be there (and done) before it is taken. */
export interface Scene<W = World> {
  name: string
  path(world: W): string
  size?: { width: number; height: number }
  theme?: 'light' | 'dark'
  /** Nobody is signed in. */
  signedOut?: true
  prepare(page: Page, world: W): Promise<unknown>
}

const row = (page: Page, name: RegExp | string) => page.getByRole('row', { name }).first().waitFor()
const text = (page: Page, wanted: string) => page.getByText(wanted).first().waitFor()

const overview: Omit<Scene, 'name'> = {
  path: () => '/',
  async prepare(page) {
    await row(page, /kestrel\/storefront/)
    await text(page, 'Android')
    await text(page, 'web #3 → production')
  },
}
const run: Omit<Scene, 'name'> = {
  path: ({ running }) => `/runs/${running}`,
  prepare: (page) => page.getByRole('log').getByText('browser, round').nth(1).waitFor(),
}
const board: Omit<Scene, 'name'> = {
  path: () => '/board',
  prepare: (page) => row(page, /notifications/),
}
async function openDeployment(page: Page) {
  await page.getByRole('button', { name: 'Deploy web #3 to production' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('1 of 2').waitFor()
  await dialog.getByText('replicas').first().waitFor()
}

/** The pictures, by the names of their files. */
export const scenes: readonly Scene[] = [
  { name: 'overview', ...overview },
  { name: 'overview-dark', theme: 'dark', ...overview },
  { name: 'overview-narrow', size: { width: 360, height: 740 }, ...overview },
  { name: 'run', ...run },
  { name: 'run-dark', theme: 'dark', ...run },
  {
    name: 'run-failed',
    path: ({ failed }) => `/runs/${failed}`,
    prepare: (page) => text(page, 'AssertionError'),
  },
  { name: 'board', ...board },
  { name: 'board-approval', ...board, prepare: openDeployment },
  {
    name: 'project',
    path: () => '/releases/kestrel/storefront/api',
    prepare: (page) => text(page, '#1'),
  },
  {
    name: 'insights',
    path: () => '/repositories/kestrel/storefront?tab=insights',
    prepare: (page) =>
      page.getByRole('img', { name: 'Durations of the last 64 runs' }).locator('canvas').waitFor(),
  },
  {
    name: 'new-build',
    path: () => '/builds/new',
    async prepare(page) {
      await page.getByLabel('Repository', { exact: true }).selectOption('kestrel/portal')
      await page.getByLabel('Branch, tag or commit').fill('main')
      await page.getByRole('checkbox', { name: /^Apply Branding/ }).check()
      await page.getByLabel('Branding template', { exact: true }).selectOption('Nordhavn Logistics')
    },
  },
  {
    name: 'template',
    path: ({ template }) => `/templates/${template}`,
    async prepare(page) {
      await page.getByRole('combobox', { name: 'Of' }).selectOption('kestrel/portal')
      await page.getByText('+    <title>Nordhavn').waitFor()
    },
  },
  { name: 'jobs', path: () => '/jobs', prepare: (page) => row(page, /TestFlight/) },
  {
    name: 'activity',
    path: () => '/activity',
    async prepare(page, world) {
      await row(page, /mara/)
      await world.stir()
      await text(page, 'pipeline.run.completed')
    },
  },
  { name: 'settings', path: () => '/settings', prepare: (page) => text(page, 'database') },
]
