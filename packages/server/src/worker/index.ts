export type { ControlPlane } from './control-plane.ts'
export type { WorkerDeps } from './deps.ts'
export { openSecretFolder } from './open-secret-folder.ts'
export { startWorker, workerTypes } from './start-worker.ts'
