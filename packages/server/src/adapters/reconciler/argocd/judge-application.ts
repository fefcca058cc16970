import type { Reconciliation } from '../../../ports/reconciler.ts'

/** What is read of `v1alpha1Application`; all of it is optional there. */
interface Application {
  status?: {
    sync?: { status?: string; revision?: string; revisions?: string[] }
    health?: { status?: string; message?: string }
    operationState?: { phase?: string; message?: string }
  }
}

/** Reconciled is: synced to a revision that `has` the commit, and healthy. */
export async function judgeApplication(
  told: unknown,
  name: string,
  has: (revision: string) => Promise<boolean>,
): Promise<Reconciliation> {
  const { sync, health, operationState } = (told as Application | null)?.status ?? {}
  const waits = (reason: string): Reconciliation => ({ reconciled: false, reason })
  const revisions = [sync?.revision, ...(sync?.revisions ?? [])].filter(isCommit)
  let found = false
  for (const revision of new Set(revisions)) found ||= await has(revision)
  if (!found) return waits(`The application ${name} has not seen the commit yet`)
  const { phase, message } = operationState ?? {}
  if (phase === 'Failed' || phase === 'Error') {
    return waits(`The sync of ${name} failed${detail(message)}`)
  }
  if (sync?.status !== 'Synced') return waits(`The application ${name} is ${word(sync?.status)}`)
  if (health?.status !== 'Healthy') {
    return waits(`The application ${name} is ${word(health?.status)}${detail(health?.message)}`)
  }
  return { reconciled: true }
}

function isCommit(revision: unknown): revision is string {
  return typeof revision === 'string' && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(revision)
}

function word(status: unknown): string {
  return typeof status === 'string' && /^\w{1,40}$/.test(status) ? status : 'in an unknown state'
}

function detail(message: unknown): string {
  return typeof message === 'string' && message !== '' ? `: ${message.slice(0, 500)}` : ''
}
