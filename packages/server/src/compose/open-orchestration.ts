import type { Logger } from 'pino'
import { createArgoOrchestrator } from '../adapters/orchestrator/argo/create-argo-orchestrator.ts'
import type { Config } from '../config/read-config.ts'
import { startDuty } from '../duties/index.ts'
import type { HealthCheck } from '../http/system/check-health.ts'
import { type OrchestrationDeps, startOrchestration } from '../orchestration/index.ts'
import type { Resources } from '../resources.ts'
import { takeOverRuns } from '../runs/index.ts'
import { openCluster } from './open-cluster.ts'

/** Milliseconds between two looks for runs of workflows where the server orchestrates. */
const takeOverMs = 60_000

/**
 * Who begins the stages of runs: this server, or workflows, and then what sees to those. The routes that steps
 * of workflows ask are there in any case: a server takes over runs whose workflows still run.
 */
export async function openOrchestration(
  config: Config,
  log: Logger,
  opened: OrchestrationDeps & { holder: string },
  resources: Resources,
): Promise<{ orchestration: OrchestrationDeps; checks: Readonly<Record<string, HealthCheck>> }> {
  const { orchestrator: settings } = config
  const { holder, ...orchestration } = opened
  if (settings.kind === 'server') {
    const duty = startDuty(
      { db: orchestration.db, log, holder },
      {
        name: 'runs of workflows are taken over',
        everyMs: takeOverMs,
        async run(signal) {
          const runs = await takeOverRuns(orchestration, signal)
          if (runs > 0) log.info({ runs }, 'took over runs that workflows were to orchestrate')
        },
      },
    )
    resources.add('orchestration', duty, (started) => started.close())
    return { orchestration, checks: {} }
  }
  const why = 'SLIPWAY_ORCHESTRATOR=argo'
  const kubernetes = await openCluster(config, { namespace: settings.namespace, why }, resources)
  const orchestrator = createArgoOrchestrator(kubernetes, settings)
  const duty = startOrchestration({ ...orchestration, orchestrator, log, holder })
  resources.add('orchestration', duty, (started) => started.close())
  return { orchestration, checks: { orchestrator: () => orchestrator.check() } }
}
