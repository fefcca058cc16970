import Type, { type Static } from 'typebox'
import { Timestamp, Uuid } from './fields.ts'

// Runners (`/api/runners`). Source: GitHub-RunnerHub API Reference.

export const RunnerType = Type.Enum(['proxy', 'ephemeral', 'dedicated'])
export type RunnerType = Static<typeof RunnerType>

export const RunnerStatus = Type.Enum(['idle', 'busy', 'offline', 'starting', 'stopping'])
export type RunnerStatus = Static<typeof RunnerStatus>

/** Whoever takes jobs. Never shown: what registers it. */
export const Runner = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    type: RunnerType,
    status: RunnerStatus,
    labels: Type.Array(Type.String()),
    lastHeartbeat: Timestamp,
    repository: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    runnerClass: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    jobId: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The delegation that it works on.',
    }),
    containerId: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    createdAt: Timestamp,
  },
  { $id: 'Runner' },
)
export type Runner = Static<typeof Runner>
