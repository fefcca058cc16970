export {
  accountDirectory,
  type ClusterAccess,
  type ClusterAccessOptions,
  openClusterAccess,
} from './cluster-access.ts'
export { createBackOff } from './back-off.ts'
export { connectKubernetes, type Kubernetes, type KubernetesRequest } from './connect-kubernetes.ts'
export { followObjects, type ObjectsFollower } from './follow-objects.ts'
export { explainRefusal, isGone, KubernetesRefusal } from './kubernetes-refusal.ts'
export {
  events,
  jobs,
  type KubernetesObject,
  networkPolicies,
  pods,
  type Resource,
  secrets,
} from './resources.ts'
