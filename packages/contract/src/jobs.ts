import Type, { type Static } from 'typebox'
import { Uuid } from './fields.ts'

/** Job types of the ledger. `builds` and `runners` bring theirs with their families. */
export const JobType = Type.Enum(['discovery', 'task'])
export type JobType = Static<typeof JobType>

/** Asks a worker to read a commit's `.forge` configuration. Subject `pipeline.discovery.{run-id}`. */
export const DiscoveryJob = Type.Object(
  {
    run_id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    commit_sha: Type.String(),
  },
  { $id: 'DiscoveryJob' },
)
export type DiscoveryJob = Static<typeof DiscoveryJob>

/** One step as a worker gets it: the step's own configuration, resolved. */
export const StepDefinition = Type.Object(
  {
    name: Type.String(),
    action: Type.String(),
    with: Type.Record(Type.String(), Type.Unknown(), { description: 'What the action is given.' }),
    timeout_ms: Type.Integer({ minimum: 1 }),
    needs: Type.Array(Type.String()),
    env: Type.Record(Type.String(), Type.String()),
    network: Type.Enum(['host', 'none']),
    image: Type.Union([Type.String(), Type.Null()]),
  },
  { $id: 'StepDefinition' },
)
export type StepDefinition = Static<typeof StepDefinition>

/** Asks a worker to run one project in one phase. Subject `pipeline.tasks.{run-id}.{task-id}`. */
export const TaskJob = Type.Object(
  {
    run_id: Uuid,
    task_id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    commit_sha: Type.String(),
    phase: Type.String(),
    project: Type.String(),
    project_path: Type.String({ description: 'Directory of the project; "." at the root.' }),
    steps: Type.Array(
      Type.Object({ id: Uuid, log_key: Type.String(), definition: StepDefinition }),
    ),
  },
  { $id: 'TaskJob' },
)
export type TaskJob = Static<typeof TaskJob>
