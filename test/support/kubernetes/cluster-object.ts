/** What all objects of a cluster have in common. */
export interface ClusterObject {
  apiVersion: string
  kind: string
  metadata: ObjectMetadata
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  [field: string]: unknown
}

export interface ObjectMetadata {
  name: string
  namespace: string
  uid: string
  resourceVersion: string
  creationTimestamp: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  ownerReferences?: OwnerReference[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** A refusal as API servers say it: the body of its answer is a `Status`. */
export class StatusError extends Error {
  readonly code: number
  readonly reason: string
  readonly retryAfterSeconds: number | null

  constructor(
    code: number,
    reason: string,
    message: string,
    retryAfterSeconds: number | null = null,
  ) {
    super(message)
    this.code = code
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
  }

  toStatus(): Record<string, unknown> {
    const { code, reason, message, retryAfterSeconds } = this
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      code,
      ...(retryAfterSeconds === null ? {} : { details: { retryAfterSeconds } }),
    }
  }
}
