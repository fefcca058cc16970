// The room of orchestration: runs whose stages an outside workflow releases and waits for.
export { answerDispatch, openResult } from './answer-dispatch.ts'
export type { OrchestrationDeps } from './deps.ts'
export { readDispatchRow } from './read-dispatch.ts'
export { reportWorkflow } from './report-workflow.ts'
export { waitForDispatch } from './wait-for-dispatch.ts'
export { startOrchestration } from './start-orchestration.ts'
