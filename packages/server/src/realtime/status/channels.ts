import { pipelineEvents } from '@slipway/contract/pipeline-socket'

/** Every channel there is, as a client is told of it when it connects. */
export const channels = [
  {
    name: 'pipelines',
    description: 'Runs of GitHub Actions in the repositories that are watched',
    events: Object.keys(pipelineEvents),
  },
]

const names: ReadonlySet<string> = new Set(channels.map(({ name }) => name))

export function isChannel(name: string): boolean {
  return names.has(name)
}
