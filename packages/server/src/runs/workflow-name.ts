/** Name of a run's workflow: the same at every try, so that a doubled submission is refused as such. */
export function workflowName(runId: string): string {
  return `slipway-run-${runId}`
}
