import { randomBytes } from 'node:crypto'
import type { ClusterObject } from './cluster-object.ts'
import type { ClusterStore } from './cluster-store.ts'

/** Keeps a pod until its job has counted it. */
const finalizer = 'batch.kubernetes.io/job-tracking'

interface JobSpec {
  suspend?: boolean
  backoffLimit?: number
  activeDeadlineSeconds?: number
  ttlSecondsAfterFinished?: number
  template: { metadata?: { labels?: object; annotations?: object }; spec: Record<string, unknown> }
}

/**
 * Makes the pods of jobs and counts them, as the job controller does for jobs of one pod; a job that fails is
 * not tried again, whatever its limit.
 */
export function runJobs(
  store: ClusterStore,
  namespace: string,
  events: { warn(object: ClusterObject, reason: string, message: string): void },
): { refusePods(message: string | null): void; close(): void } {
  const timers = new Set<NodeJS.Timeout>()
  let refusal: string | null = null
  const after = (seconds: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      act()
    }, seconds * 1_000)
    timers.add(timer)
  }
  const isFinished = (job: ClusterObject): boolean =>
    ((job.status?.conditions ?? []) as { type: string; status: string }[]).some(
      ({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True',
    )
  const podsOf = ({ metadata }: ClusterObject): ClusterObject[] =>
    store
      .list('pods', namespace)
      .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid))
  const close = (name: string, type: 'Complete' | 'Failed', reason: string, message: string) => {
    const job = store.find('jobs', namespace, name)
    if (job === null || isFinished(job)) return
    const time = new Date().toISOString()
    const condition = { type, status: 'True', reason, message, lastTransitionTime: time }
    store.edit('jobs', namespace, name, (changed) => {
      changed.status = { ...changed.status, conditions: [condition] }
    })
    const { ttlSecondsAfterFinished: ttl } = job.spec as unknown as JobSpec
    if (ttl === undefined) return
    after(ttl, () => {
      if (store.find('jobs', namespace, name) === null) return
      store.remove('jobs', namespace, name, { propagationPolicy: 'Background' })
    })
  }
  const begin = (job: ClusterObject): void => {
    const spec = job.spec as unknown as JobSpec
    const { name, uid } = job.metadata
    const isStarted = job.status?.startTime !== undefined
    if (
      spec.suspend ||
      isStarted ||
      isFinished(job) ||
      job.metadata.deletionTimestamp !== undefined
    ) {
      return
    }
    store.edit('jobs', namespace, name, (changed) => {
      changed.status = { ...changed.status, startTime: new Date().toISOString() }
    })
    if (spec.activeDeadlineSeconds !== undefined) {
      after(spec.activeDeadlineSeconds, () => {
        close(name, 'Failed', 'DeadlineExceeded', 'Job was active longer than specified deadline')
        for (const pod of podsOf(job)) store.remove('pods', namespace, pod.metadata.name)
      })
    }
    if (refusal !== null) return events.warn(job, 'FailedCreate', refusal)
    store.create('pods', namespace, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...spec.template.metadata,
        name: `${name.slice(0, 57)}-${randomBytes(3).toString('hex').slice(0, 5)}`,
        finalizers: [finalizer],
        ownerReferences: [
          {
            apiVersion: 'batch/v1',
            kind: 'Job',
            name,
            uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: spec.template.spec,
    } as Parameters<ClusterStore['create']>[2])
  }
  const count = (pod: ClusterObject, isGone: boolean): void => {
    const owner = pod.metadata.ownerReferences?.find(({ kind }) => kind === 'Job')
    const phase = String(pod.status?.phase)
    const isOver = ['Succeeded', 'Failed'].includes(phase)
    if (owner === undefined || (!isOver && !isGone)) return
    if (pod.metadata.finalizers?.includes(finalizer)) {
      store.edit('pods', namespace, pod.metadata.name, ({ metadata }) => {
        metadata.finalizers = (metadata.finalizers ?? []).filter((each) => each !== finalizer)
      })
    }
    if (phase === 'Succeeded')
      close(
        owner.name,
        'Complete',
        'CompletionsReached',
        'Reached expected number of succeeded pods',
      )
    else
      close(
        owner.name,
        'Failed',
        'BackoffLimitExceeded',
        'Job has reached the specified backoff limit',
      )
  }
  const unlisten = store.listen(({ type, plural, object }) => {
    // Later, as whoever hears of a change by a watch.
    setImmediate(() => {
      if (plural === 'jobs' && type !== 'DELETED') {
        const job = store.find('jobs', namespace, object.metadata.name)
        if (job?.metadata.uid === object.metadata.uid) begin(job)
      }
      if (plural === 'pods') {
        const pod = store.find('pods', namespace, object.metadata.name)
        // A pod that is deleted before it was ever placed never has a phase that counts.
        const isAbandoned =
          pod?.metadata.deletionTimestamp !== undefined &&
          pod.metadata.deletionGracePeriodSeconds === 0
        count(pod ?? object, type === 'DELETED' || isAbandoned)
      }
    })
  })
  return {
    refusePods: (message) => void (refusal = message),
    close() {
      unlisten()
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
