import type { Phase, Run, Task } from '@slipway/contract/runs'
import { Status } from '../../ui/status.tsx'
import { Duration } from '../../ui/time.tsx'
import styles from './run-graph.module.css'

/** The run from left to right: groups one after another, the phases of a group side by side, their tasks and steps. */
export function RunGraph({
  run,
  chosen,
  onChoose,
}: {
  run: Run
  /** Id of a step. */
  chosen: string | undefined
  onChoose: (step: string) => void
}) {
  const groups = Map.groupBy(run.phases, (phase) => phase.group_number)
  return (
    <ol className={styles.graph} aria-label="Phase groups, in their order">
      {[...groups].map(([group, phases]) => (
        <li key={group} className={styles.group}>
          {phases.map((phase) => (
            <PhaseBox
              key={phase.id}
              phase={phase}
              isOver={run.completed_at !== null}
              chosen={chosen}
              onChoose={onChoose}
            />
          ))}
        </li>
      ))}
    </ol>
  )
}

function PhaseBox({
  phase,
  ...choice
}: {
  phase: Phase
  isOver: boolean
  chosen: string | undefined
  onChoose: (step: string) => void
}) {
  return (
    <section className={styles.phase} data-status={phase.status} aria-label={`Phase ${phase.name}`}>
      <header>
        <h3 dir="auto">{phase.name}</h3>
        <Status value={phase.status} />
      </header>
      <ul>
        {phase.tasks.map((task) => (
          <TaskBox key={task.id} task={task} {...choice} />
        ))}
      </ul>
    </section>
  )
}

function TaskBox({
  task,
  isOver,
  chosen,
  onChoose,
}: {
  task: Task
  /** The run has ended: what has not begun never will. */
  isOver: boolean
  chosen: string | undefined
  onChoose: (step: string) => void
}) {
  return (
    <li className={styles.task} data-status={task.status}>
      <div className={styles.taskHead}>
        <strong dir="auto">{task.project_name}</strong>
        {task.attempt > 1 && <small>attempt {task.attempt}</small>}
        {task.started_at !== null && (
          <small>
            <Duration from={task.started_at} to={task.completed_at} />
          </small>
        )}
      </div>
      <ul>
        {task.steps.map((step) => (
          <li key={step.id}>
            <button
              type="button"
              className={styles.step}
              aria-pressed={step.id === chosen}
              onClick={() => onChoose(step.id)}
            >
              <span dir="auto">{step.name}</span>
              <Status
                value={isOver && step.status === 'pending' ? 'skipped' : step.status}
                compact
              />
            </button>
          </li>
        ))}
      </ul>
      {task.error !== undefined && <small className={styles.error}>{task.error}</small>}
    </li>
  )
}
