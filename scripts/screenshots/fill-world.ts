import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type BuildsWorld, fillBuilds } from './fill-builds.ts'
import { beginJobs, endJobs } from './fill-jobs.ts'
import { hirePeople, type People } from './hire-people.ts'
import { type Commits, makeCommits } from './make-commits.ts'
import type { Place } from './open-place.ts'
import { passTime } from './pass-time.ts'
import { arrivedInDev, beginRun, shipTo, takeThroughRun } from './ship-releases.ts'
import { until } from './until.ts'

/** What pictures are taken of. */
export interface World extends BuildsWorld {
  /** A run that goes on, and one that failed. */
  running: string
  failed: string
  /** Two that can be compared. */
  earlier: string
  /** Makes something happen while somebody looks. */
  stir(): Promise<void>
}

/** Two days of a company that sends parcels. */
export async function fillWorld(place: Place): Promise<World> {
  const { server } = place
  const people = await hirePeople(server)
  const { admin, mara, jonas } = people
  const pass = (minutes: number) => passTime(place.databaseUrl, minutes)
  const repositories = await makeRepositories(server.repositories)
  const { storefront, checkout, warehouse, notifications, handbook } = repositories
  const closeHook = await addWebhooks(people)
  try {
    await addSecrets(people)

    const first = await release(people, storefront, ['web', 'api', 'search'], {})
    for (const project of ['web', 'api', 'search']) await ship(people, storefront, project, first)
    const stock = await release(people, warehouse, ['warehouse'], {})
    await ship(people, warehouse, 'warehouse', stock)
    await pass(26 * 60)

    const paid = await release(people, checkout, ['checkout', 'invoices'], {})
    await ship(people, checkout, 'checkout', paid)
    await ship(people, checkout, 'invoices', paid)
    await takeThroughRun(admin, {
      repository: handbook.repository,
      commit: await handbook.commit({}),
    })
    const builds = await fillBuilds(place, people)
    await pass(7 * 60)

    const second = await release(people, storefront, ['web', 'api', 'search'], { replicas: 3 })
    await shipTo(people, at(storefront, 'web', second), 'staging')
    await shipTo(people, at(storefront, 'api', second), 'staging')
    await shipTo(
      people,
      at(storefront, 'api', second),
      'production',
      'Twice the load since the newsletter',
    )
    const told = await release(people, notifications, ['notifications'], {})
    await ship(people, notifications, 'notifications', told)
    await pass(140)

    const more = await release(people, warehouse, ['warehouse'], { replicas: 4 })
    await shipTo(people, at(warehouse, 'warehouse', more), 'staging')
    const broken = await checkout.commit({ failing: 'declines an expired card' })
    const failed = await takeThroughRun(jonas, { repository: checkout.repository, commit: broken })
    await endJobs(people)
    await pass(34)

    const third = await release(people, storefront, ['web', 'api', 'search'], { replicas: 4 })
    await shipTo(people, at(storefront, 'web', third), 'staging')
    await jonas.approvals.create({
      release_id: (await mara.releases.get({ ...at(storefront, 'web', third), release: third })).id,
      environment: 'production',
      justification: 'Delivery dates look right on staging, in all four languages',
    })
    const earlier = await takeThroughRun(mara, {
      repository: storefront.repository,
      commit: third,
      branch: 'main',
    })
    await beginJobs(people)
    await pass(12)
    await until('what GitHub ran', async () => {
      const { repositories: seen } = await admin.overview.repositories({ limit: 50 })
      return seen.filter(({ latest_workflow: newest }) => newest !== null).length >= 4
    })

    const endless = await storefront.commit({ branch: 'express-checkout', endless: true })
    const { id: running } = await beginRun(mara, {
      repository: storefront.repository,
      commit: endless,
      branch: 'express-checkout',
    })
    await until('a step of the run that goes on', async () => {
      const { phases } = await mara.runs.get(running)
      const tasks = phases.find(({ name }) => name === 'test')?.tasks ?? []
      return tasks.some(({ steps }) => steps.some(({ status }) => status === 'running'))
    })
    const stir = async () => {
      const commit = await handbook.commit({})
      await takeThroughRun(mara, { repository: handbook.repository, commit })
    }
    return { ...builds, running, failed, earlier, stir }
  } finally {
    await closeHook()
  }
}

async function makeRepositories(base: string) {
  const project = (
    name: string,
    tests: readonly string[],
    directory = '.',
    replicas: number | null = 2,
  ) => ({
    name,
    directory,
    tests,
    replicas,
  })
  return {
    storefront: await makeCommits(base, 'kestrel/storefront', [
      project(
        'web',
        [
          'shows a product',
          'adds to the cart',
          'keeps the cart when signed in',
          'shows the delivery date',
        ],
        'web',
      ),
      project(
        'api',
        [
          'lists products by category',
          'prices a cart',
          'rounds bundle discounts',
          'answers 404 for unknown products',
        ],
        'api',
      ),
      project(
        'search',
        ['finds by part of a word', 'ranks what is in stock first', 'understands typing errors'],
        'search',
        1,
      ),
    ]),
    checkout: await makeCommits(base, 'kestrel/checkout', [
      project(
        'checkout',
        ['charges a card', 'declines an expired card', 'refunds a part', 'asks for 3-D Secure'],
        'checkout',
      ),
      project('invoices', ['numbers without gaps', 'writes VAT by country'], 'invoices', 1),
    ]),
    warehouse: await makeCommits(base, 'kestrel/warehouse', [
      project('warehouse', ['reserves stock', 'releases it after 30 minutes', 'prints a label']),
    ]),
    notifications: await makeCommits(base, 'kestrel/notifications', [
      project('notifications', ['writes in the customer’s language', 'sends once'], '.', 1),
    ]),
    handbook: await makeCommits(base, 'kestrel/handbook', [
      project('handbook', ['has no dead links'], '.', null),
    ]),
  }
}

const at = ({ repository }: Commits, project: string, commit: string) => ({
  repository,
  project,
  commit,
})

/** A commit whose run releases these projects, which go to dev by themselves. */
async function release(
  people: People,
  commits: Commits,
  projects: readonly string[],
  change: { replicas?: number },
): Promise<string> {
  const commit = await commits.commit(change)
  await takeThroughRun(people.mara, { repository: commits.repository, commit })
  for (const project of projects) await arrivedInDev(people, at(commits, project, commit))
  return commit
}

async function ship(
  people: People,
  commits: Commits,
  project: string,
  commit: string,
): Promise<void> {
  await shipTo(people, at(commits, project, commit), 'staging')
  await shipTo(people, at(commits, project, commit), 'production', 'Looks right on staging')
}

/** Webhooks, of which one answers, one does not, and one is turned off. */
async function addWebhooks({ admin }: People): Promise<() => Promise<void>> {
  const target = createServer((request, response) => {
    request.resume()
    response.writeHead(request.url === '/chat' ? 204 : 503).end()
  }).listen(0, '127.0.0.1')
  await once(target, 'listening')
  const base = `http://127.0.0.1:${(target.address() as AddressInfo).port}`
  const chat = await admin.webhooks.create({
    url: `${base}/chat`,
    events: ['deployment.*', 'approval.*'],
    description: 'The channel #releases',
  })
  await admin.webhooks.test(chat.id)
  const inventory = await admin.webhooks.create({
    url: `${base}/inventory`,
    events: ['release.created'],
    description: 'Inventory of what runs where',
  })
  await admin.webhooks.test(inventory.id)
  await admin.webhooks.create({
    url: `${base}/pager`,
    events: ['pipeline.run.completed'],
    repositories: ['kestrel/checkout'],
    description: 'Whoever is on call',
    enabled: false,
  })
  return async () => {
    target.closeAllConnections()
    target.close()
    await once(target, 'close')
  }
}

async function addSecrets({ admin }: People): Promise<void> {
  await admin.secrets.set('kestrel', 'NPM_TOKEN', 'a token of the registry')
  await admin.secrets.set('kestrel', 'SENTRY_DSN', 'https://nobody@sentry.kestrel.example/4')
  await admin.secrets.set('kestrel/checkout', 'PAYMENTS_SANDBOX_KEY', 'a key of the sandbox')
  await admin.secrets.set('kestrel/mobile', 'SIGNING_KEY_PASSWORD', 'a word that nobody knows')
}
