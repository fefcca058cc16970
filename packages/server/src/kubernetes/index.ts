export {
  accountDirectory,
  type ClusterAccess,
  type ClusterAccessOptions,
  openClusterAccess,
} from './cluster-access.ts'
export { awaitStart, failureOf } from './await-start.ts'
export { createBackOff } from './back-off.ts'
export { connectKubernetes, type Kubernetes, type KubernetesRequest } from './connect-kubernetes.ts'
export { followObjects, type ObjectsFollower } from './follow-objects.ts'
export { type FollowedLog, followLog } from './follow-log.ts'
export { unsetClusterVariables } from './cluster-variables.ts'
export { describeHeldJob } from './describe-held-job.ts'
export {
  createHeldJob,
  createJobSecret,
  describeJobSecret,
  endPod,
  releaseJob,
  removeJob,
} from './held-job.ts'
export { explainRefusal, isGone, KubernetesRefusal } from './kubernetes-refusal.ts'
export { createNetworkCheck } from './network-policy.ts'
export { containerName, type Pod, type PodState, readPod } from './pod-state.ts'
export { jobs, type KubernetesObject, pods, type Resource, secrets } from './resources.ts'
export { settleLater } from './settle-later.ts'
export { type Job, type JobTracker, trackJobs } from './track-jobs.ts'
