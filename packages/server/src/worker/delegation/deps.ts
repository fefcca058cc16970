import type { Logger } from 'pino'
import type { LogStore } from '../../logs/index.ts'
import type { ContainerHost } from '../../ports/container-host.ts'
import type { DelegationControl } from '../../runners/index.ts'
import type { DelegationSecrets } from './delegation-secrets.ts'
import type { WarmPool } from './warm-pool.ts'

/** What looking after delegations needs. */
export interface DelegationWorkDeps {
  delegations: DelegationControl
  host: ContainerHost
  pool: WarmPool
  secrets: DelegationSecrets
  logs: LogStore
  log: Logger
  workerId: string
  /** Whose the containers are: label `io.slipway.owner`. */
  owner: string
  /** Bytes of output that one container may write; one more and it is stopped. */
  outputBytes: number
  /** Delegations that this process looks after just now. */
  inHand: Set<string>
}
