import type { Log } from '../db/log.ts'
import type { Config } from '../config/read-config.ts'
import type { KeptTimes } from '../retention/index.ts'
import type { Resources } from '../resources.ts'
import {
  createDelegationControl,
  type DelegationControl,
  type RunnersDeps,
  startDispatch,
  startRunnerDuties,
} from '../runners/index.ts'
import type { RunsDeps } from '../runs/index.ts'

type FromElsewhere = 'requestRunnerConfiguration' | 'stopContainer' | 'removeGithubRunner'

/** Delegated jobs and runners: what the API does with them, what their worker is given, and what is done unasked. */
export function openRunners(
  config: Config,
  log: Log,
  opened: Pick<RunnersDeps, 'feed' | 'logs'> &
    Partial<Pick<RunnersDeps, FromElsewhere>> & {
      unitOfWork: RunsDeps
      holder: string
      retention: KeptTimes
      /** Of the data directory. */
      home: string
    },
  resources: Resources,
): { runners: RunnersDeps; delegationControl: DelegationControl } {
  const { unitOfWork, holder, home, retention, ...rest } = opened
  let wakeDispatch = () => {}
  const runners: RunnersDeps = {
    ...unitOfWork,
    requestRunnerConfiguration: null,
    stopContainer: null,
    removeGithubRunner: null,
    ...rest,
    log,
    classes: config.runnerClasses,
    owner: home,
    wakeDispatch: () => wakeDispatch(),
  }
  const dispatch = startDispatch({ ...runners, holder })
  resources.add('runner dispatch', dispatch, (started) => started.close())
  wakeDispatch = () => dispatch.wake()
  const duties = startRunnerDuties({ ...runners, holder }, { home, retention })
  resources.add('runner duties', duties, (started) => started.close())
  return { runners, delegationControl: createDelegationControl(runners) }
}
