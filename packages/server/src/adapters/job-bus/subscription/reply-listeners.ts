import type { JobReply } from '@slipway/contract/jobs'

/** Those who wait for the ends of jobs, in this process. */
export interface ReplyListeners {
  add(jobId: string, listener: (reply: JobReply) => void): () => void
  has(jobId: string): boolean
  /** How many jobs are waited for. */
  readonly size: number
  call(reply: JobReply): void
}

export function createReplyListeners(): ReplyListeners {
  const listeners = new Map<string, Set<(reply: JobReply) => void>>()
  return {
    add(jobId, listener) {
      const of = listeners.get(jobId) ?? new Set()
      listeners.set(jobId, of.add(listener))
      return () => {
        of.delete(listener)
        if (of.size === 0 && listeners.get(jobId) === of) listeners.delete(jobId)
      }
    },
    has: (jobId) => listeners.has(jobId),
    get size() {
      return listeners.size
    },
    call(reply) {
      for (const listener of listeners.get(reply.job_id) ?? []) listener(reply)
    },
  }
}
