import {
  createHeldJob,
  createJobSecret,
  explainRefusal,
  type Kubernetes,
  releaseJob,
} from '../../../kubernetes/index.ts'
import { describeJob, describeSecret, type JobInput } from './describe-job.ts'

/**
 * Creates the Job of a step, then its Secret, which belongs to it from the beginning on, and lets it go.
 * Whatever fails, removing the Job removes all of it.
 */
export async function createStepJob(
  kubernetes: Kubernetes,
  input: JobInput,
  signal: AbortSignal,
): Promise<void> {
  const { name } = input
  try {
    const { job } = await createHeldJob(kubernetes, { name, body: describeJob(input) }, signal)
    await createJobSecret(kubernetes, describeSecret(input, { uid: job.metadata.uid }), signal)
    await releaseJob(kubernetes, name, signal)
  } catch (error) {
    throw explainRefusal(error, 'The cluster takes no job of a step')
  }
}
