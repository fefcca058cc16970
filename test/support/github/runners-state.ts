import { randomBytes } from 'node:crypto'
import type { ApiDescription, MatchedRequest } from './api-description.ts'
import type { StateAnswer } from './state.ts'

export interface StandInRunner {
  id: number
  repository: string
  name: string
  status: 'online' | 'offline'
  busy: boolean
  ephemeral: boolean
  labels: string[]
}

/** Self-hosted runners of repositories, as GitHub would keep them. */
export interface RunnersState {
  readonly list: StandInRunner[]
  /** Every configuration that was given out, by the runner's name. */
  readonly configurations: Map<string, string>
  add(repository: string, runner: Partial<StandInRunner> & { name: string }): StandInRunner
  handle(match: MatchedRequest, query: URLSearchParams, body: unknown): StateAnswer | null
}

interface NewRunner {
  name: string
  labels: string[]
}

const readOnly = new Set(['self-hosted', 'linux', 'x64', 'arm64', 'windows', 'macos'])

export function createRunnersState({ api }: { api: ApiDescription }): RunnersState {
  const list: StandInRunner[] = []
  const configurations = new Map<string, string>()
  let ids = 500
  const show = ({ repository: _, labels, ...runner }: StandInRunner) => ({
    ...runner,
    os: 'linux',
    labels: labels.map((name, index) => ({
      id: index + 1,
      name,
      type: readOnly.has(name.toLowerCase()) ? 'read-only' : 'custom',
    })),
  })
  const state: RunnersState = {
    list,
    configurations,
    add(repository, more) {
      const runner: StandInRunner = {
        id: ++ids,
        repository,
        status: 'online',
        busy: false,
        ephemeral: false,
        labels: ['self-hosted'],
        ...more,
      }
      list.push(runner)
      return runner
    },
    handle({ operation, params }, query, body) {
      const repository = `${params['owner']}/${params['repo']}`
      const own = list.filter((runner) => runner.repository === repository)
      switch (operation) {
        case 'actions/list-self-hosted-runners-for-repo': {
          const name = query.get('name')
          const found = own.filter((runner) => name === null || runner.name === name)
          const size = Number(query.get('per_page') ?? 30)
          const from = (Number(query.get('page') ?? 1) - 1) * size
          const runners = found.slice(from, from + size).map(show)
          return { status: 200, body: { total_count: found.length, runners } }
        }
        case 'actions/generate-runner-jitconfig-for-repo': {
          const { name, labels } = body as NewRunner
          if (own.some((runner) => runner.name === name)) {
            return {
              status: 409,
              body: [`Already exists - A runner with the name ${name} already exists.`],
            }
          }
          const more = { name, labels, status: 'offline', ephemeral: true } as const
          const runner = state.add(repository, more)
          const encoded_jit_config = randomBytes(300).toString('base64')
          configurations.set(name, encoded_jit_config)
          const example = api.example(operation, 201)
          return { status: 201, body: { ...example, runner: show(runner), encoded_jit_config } }
        }
        case 'actions/delete-self-hosted-runner-from-repo': {
          const runner = own.find(({ id }) => String(id) === params['runner_id'])
          if (runner === undefined) return { status: 404, body: ['Not Found'] }
          if (runner.busy) {
            const why = `Runner "${runner.name}" is currently running a job and cannot be deleted.`
            return { status: 422, body: [why] }
          }
          list.splice(list.indexOf(runner), 1)
          return { status: 204, body: undefined }
        }
        default: {
          return null
        }
      }
    },
  }
  return state
}
