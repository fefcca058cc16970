import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { addHistoryOptions } from './history.ts'
import { addInsightsOptions, addMetricsOptions } from './metrics.ts'
import { addStatusOptions } from './status.ts'
import { addTriggerOptions } from './trigger.ts'

/** The commands about GitHub Actions under their noun; each is there by a word of its own, too. */
export function addPipelineCommand(program: Command, act: Act): void {
  const pipeline = program
    .command('pipeline')
    .description('workflows of GitHub Actions: how they stand, and what became of them')
  addStatusOptions(pipeline.command('list').alias('status'), act)
  addHistoryOptions(pipeline.command('history'), act)
  addTriggerOptions(pipeline.command('trigger'), act)
  addMetricsOptions(pipeline.command('metrics'), act)
  addInsightsOptions(pipeline.command('insights'), act)
}
