import type { Build } from '@slipway/contract/builds'
import { Status } from '../../ui/status.tsx'
import { Duration } from '../../ui/time.tsx'
import styles from './build-steps.module.css'

/** The steps of a build in their order, each as far as it is. */
export function BuildSteps({ steps }: { steps: Build['steps'] }) {
  return (
    <ol className={styles.steps}>
      {steps.map((step) => (
        <li key={step.key}>
          <Status value={step.status} />
          <span>{step.name}</span>
          {step.status === 'running' && step.progress !== null && (
            <progress max={100} value={step.progress} aria-label={`Progress of ${step.name}`} />
          )}
          <small>
            {step.started_at !== null && <Duration from={step.started_at} to={step.completed_at} />}
          </small>
        </li>
      ))}
    </ol>
  )
}
