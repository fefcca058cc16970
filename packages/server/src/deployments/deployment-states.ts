import type { DeploymentStatus } from '@slipway/contract/deployments'

/** Where each status may go. `preparing` is hidden; nothing moves backwards. */
export const deploymentTransitions: Readonly<
  Record<'preparing' | DeploymentStatus, readonly DeploymentStatus[]>
> = {
  preparing: ['pending'],
  pending: ['active', 'superseded'],
  active: ['superseded'],
  superseded: [],
}

/** A deployment among those of its place: one environment, repository and project. */
export interface Standing {
  id: string
  /** Order of the commits. */
  ordinal: number
  status: DeploymentStatus
}

export type StandingChange =
  | { id: string; status: 'active' }
  | { id: string; status: 'superseded'; by: string }

/**
 * What changes at a place when one of its deployments turns out to be reconciled: it becomes active,
 * and takes the place of whatever was committed before. Where a later one is active already, it is
 * superseded itself. Nothing changes if it is not pending. What is superseded comes first.
 */
export function planActivation(standings: readonly Standing[], id: string): StandingChange[] {
  const target = standings.find((standing) => standing.id === id)
  if (target?.status !== 'pending') return []
  const later = standings.find(
    ({ status, ordinal }) => status === 'active' && ordinal > target.ordinal,
  )
  if (later !== undefined) return [{ id, status: 'superseded', by: later.id }]
  const older = standings.filter(
    ({ status, ordinal }) => status !== 'superseded' && ordinal < target.ordinal,
  )
  return [
    ...older.map((standing) => ({ id: standing.id, status: 'superseded' as const, by: id })),
    { id, status: 'active' },
  ]
}

/** What a report of the reconciler comes to. */
export type ReportEffect = 'activate' | 'fail' | 'repeat' | 'contradiction'

/** States only move forward: what failed can still become active, what is active has not failed. */
export function judgeReport(
  deployment: { status: DeploymentStatus; failed: boolean; wasActive: boolean },
  report: 'active' | 'failed',
): ReportEffect {
  const { status, failed, wasActive } = deployment
  if (report === 'active') {
    if (status === 'pending') return 'activate'
    return wasActive ? 'repeat' : 'contradiction'
  }
  if (status !== 'pending') return 'contradiction'
  return failed ? 'repeat' : 'fail'
}
