import type { ContainerHost } from '../ports/container-host.ts'
import type { Resources } from '../resources.ts'
import { createTurns, type HookDeps, type RunnersDeps, startHookDuties } from '../runners/index.ts'
import { packDirectory } from '../worker/index.ts'

/** What the container hooks of proxy runners need, and what is done about their jobs unasked. */
export function openHooks(
  opened: {
    runners: RunnersDeps
    host: ContainerHost
    holder: string
    /** Of the data directory. */
    home: string
  } & Pick<HookDeps, 'images' | 'buildNetwork'>,
  resources: Resources,
): HookDeps {
  const { runners, host, images, buildNetwork, holder, home } = opened
  const hooks: HookDeps = {
    ...runners,
    host,
    images,
    buildNetwork,
    packDirectory,
    inTurn: createTurns(),
  }
  const duties = startHookDuties({ ...hooks, holder }, { home })
  resources.add('runner hook duties', duties, (started) => started.close())
  return hooks
}
