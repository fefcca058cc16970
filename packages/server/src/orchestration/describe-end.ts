/** A step of a workflow that failed, and what the workflow says of it. */
export interface WorkflowFailure {
  step: string
  message: string
}

/** Steps that are told of one workflow. */
const mostTold = 3
const longestMessage = 2_000

/** Why a workflow ended as it did, in one sentence for people. */
export function describeEnd(input: {
  status: string
  message?: string | null
  failures?: readonly WorkflowFailure[]
}): string {
  const { status, failures = [], message } = input
  // What only repeats that something below it failed says nothing.
  const telling = failures.filter((failure) => !/^(child '.*' failed|)$/.test(failure.message))
  const told = telling.slice(0, mostTold).map((failure) => `${failure.step}: ${failure.message}`)
  const why = told.length > 0 ? told.join('; ') : (message ?? '')
  const verb = status === 'Succeeded' ? 'ended before its run had' : `ended as ${status}`
  return `The workflow ${verb}${why === '' ? '' : `: ${why}`}`.slice(0, longestMessage)
}
