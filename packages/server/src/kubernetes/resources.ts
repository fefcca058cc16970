/** A kind of objects, by where its API is. */
export interface Resource {
  /** Such as `api/v1` and `apis/batch/v1`. */
  api: string
  plural: string
}

export const jobs: Resource = { api: 'apis/batch/v1', plural: 'jobs' }
export const pods: Resource = { api: 'api/v1', plural: 'pods' }
export const secrets: Resource = { api: 'api/v1', plural: 'secrets' }
export const events: Resource = { api: 'api/v1', plural: 'events' }
export const networkPolicies: Resource = {
  api: 'apis/networking.k8s.io/v1',
  plural: 'networkpolicies',
}

/** What all objects have; only what is read here. */
export interface KubernetesObject {
  metadata: {
    name: string
    uid: string
    resourceVersion: string
    labels?: Record<string, string>
    creationTimestamp?: string
    deletionTimestamp?: string
    ownerReferences?: { uid: string; name: string; kind: string }[]
  }
}
