import type { StandInJob } from '../../test/support/github/actions-state.ts'
import type { GitHubStandIn } from '../../test/support/github/stand-in.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

interface Workflow {
  name: string
  file: string
  inputs: readonly string[] | null
  /** Median minutes, and how many of a hundred fail. */
  minutes: number
  failing: number
  jobs: readonly string[]
}

const ci: Workflow = {
  name: 'CI',
  file: 'ci.yml',
  inputs: ['debug'],
  minutes: 6,
  failing: 8,
  jobs: ['lint', 'unit tests', 'build'],
}
const browserTests: Workflow = {
  name: 'Browser tests',
  file: 'browser.yml',
  inputs: ['browser', 'grep'],
  minutes: 14,
  failing: 16,
  jobs: ['chromium', 'firefox', 'webkit'],
}
const plan: Workflow = {
  name: 'Terraform plan',
  file: 'plan.yml',
  inputs: ['environment'],
  minutes: 3,
  failing: 5,
  jobs: ['plan'],
}
const nightly: Workflow = {
  name: 'Nightly audit',
  file: 'audit.yml',
  inputs: null,
  minutes: 2,
  failing: 12,
  jobs: ['dependencies', 'licences'],
}

/** What there is at GitHub; `red` are the workflows whose newest run on main failed. */
const repositories: readonly {
  name: string
  workflows: readonly Workflow[]
  runs: number
  red: readonly string[]
  changes: readonly string[]
}[] = [
  {
    name: 'kestrel/storefront',
    workflows: [ci, browserTests],
    runs: 64,
    red: [],
    changes: [
      'Show delivery dates in the cart',
      'Keep filters when going back',
      'Load product images when they are near',
      'Fix rounding of bundle discounts',
      'Upgrade to Node 22',
      'Remember the chosen store',
    ],
  },
  {
    name: 'kestrel/mobile',
    workflows: [
      {
        ...ci,
        name: 'Android',
        file: 'android.yml',
        minutes: 19,
        jobs: ['assemble', 'unit tests', 'emulator'],
      },
      nightly,
    ],
    runs: 40,
    red: ['Android'],
    changes: [
      'Scan parcels with the camera',
      'Ask for notifications later',
      'Cache the route of the day',
      'Support larger fonts in the parcel list',
    ],
  },
  {
    name: 'kestrel/infrastructure',
    workflows: [plan, nightly],
    runs: 36,
    red: ['Nightly audit'],
    changes: [
      'Add a replica in eu-north-1',
      'Rotate the keys of the log bucket',
      'Raise memory of the search nodes',
      'Renew certificates two weeks earlier',
    ],
  },
  {
    name: 'kestrel/handbook',
    workflows: [
      { ...ci, name: 'Pages', file: 'pages.yml', minutes: 1, failing: 2, jobs: ['links', 'build'] },
    ],
    runs: 20,
    red: [],
    changes: [
      'How we do on-call',
      'Move the glossary to the front',
      'Describe returns from Norway',
    ],
  },
]
const people = ['mara-lind', 'jonasw', 'priya-n', 'tomasz']

export const watchedRepositories = repositories.map(({ name }) => name)

/** Fills GitHub with two weeks of work, the same each time. */
export function tellGitHub(github: GitHubStandIn): void {
  const random = sequence(20)
  let id = 17_400_000_000
  for (const { name, workflows, runs, red, changes } of repositories) {
    github.actions.addRepository(name, {
      workflows: workflows.map((workflow, n) => ({
        id: 7_100 + watchedRepositories.indexOf(name) * 10 + n,
        name: workflow.name,
        path: `.github/workflows/${workflow.file}`,
        state: 'active',
        inputs: workflow.inputs,
      })),
    })
    const spacing = (14 * 24 * hourMs) / runs
    for (let n = 0; n < runs; n += 1) {
      // The last ones are the newest.
      const age = (runs - 1 - n) * spacing + (6 + random() * 70) * minuteMs
      const workflow = workflows[n % workflows.length] ?? ci
      const isNewest = n >= runs - workflows.length
      const failed = isNewest ? red.includes(workflow.name) : random() * 100 < workflow.failing
      const began = Date.now() - age
      const tookMs = Math.min(workflow.minutes * (0.8 + random() * 0.6) * minuteMs, age - minuteMs)
      const conclusion = failed ? 'failure' : 'success'
      id += 1 + Math.floor(random() * 40_000)
      github.actions.putRun(name, {
        id,
        workflow_id: 7_100 + watchedRepositories.indexOf(name) * 10 + (n % workflows.length),
        run_number: n + 311,
        event: workflow === nightly ? 'schedule' : 'push',
        head_branch: isNewest || random() < 0.7 ? 'main' : 'express-checkout',
        head_sha: hex(random, 40),
        message: changes[n % changes.length] ?? '',
        actor: people[Math.floor(random() * people.length)] ?? '',
        status: 'completed',
        conclusion,
        created_at: new Date(began - (5 + random() * 40) * 1000).toISOString(),
        run_started_at: new Date(began).toISOString(),
        updated_at: new Date(began + tookMs).toISOString(),
        jobs: { 1: jobsOf(workflow, { id, began, tookMs, failed }) },
      })
    }
  }
}

function jobsOf(
  { jobs }: Workflow,
  run: { id: number; began: number; tookMs: number; failed: boolean },
): StandInJob[] {
  return jobs.map((name, n) => {
    const isLast = n === jobs.length - 1
    const conclusion = run.failed && isLast ? 'failure' : 'success'
    const started = run.began + 4_000 + n * 3_000
    const at = (share: number) =>
      new Date(started + (run.tookMs - 8_000) * share * (isLast ? 1 : 0.7)).toISOString()
    const step = (number: number, title: string, from: number, to: number, end: string) => ({
      number,
      name: title,
      status: 'completed',
      conclusion: end,
      started_at: at(from),
      completed_at: at(to),
    })
    return {
      id: run.id * 10 + n,
      name,
      status: 'completed',
      conclusion,
      created_at: new Date(run.began).toISOString(),
      started_at: at(0),
      completed_at: at(1),
      steps: [
        step(1, 'Set up job', 0, 0.05, 'success'),
        step(2, 'Install dependencies', 0.05, 0.4, 'success'),
        step(3, `Run ${name}`, 0.4, 1, conclusion),
      ],
    }
  })
}

/** Numbers from 0 up to 1 that are the same each time (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function hex(random: () => number, length: number): string {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('')
}
