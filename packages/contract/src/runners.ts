import Type, { type Static } from 'typebox'
import { RepositoryName, Text, Timestamp, Uuid } from './fields.ts'
import { Answer, PagedAnswer } from './runner-answers.ts'

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

export const ListRunnersQuery = Type.Object(
  {
    type: Type.Optional(RunnerType),
    status: Type.Optional(RunnerStatus),
    repository: Type.Optional(RepositoryName),
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 1_000 })),
  },
  { $id: 'ListRunnersQuery', additionalProperties: false },
)
export type ListRunnersQuery = Static<typeof ListRunnersQuery>

/** By name. */
export const ListRunnersResponse = PagedAnswer('ListRunnersResponse', Runner)
export type ListRunnersResponse = Static<typeof ListRunnersResponse>

export const RunnerResponse = Answer('RunnerResponse', Runner)
export type RunnerResponse = Static<typeof RunnerResponse>

/** A proxy runner registers, or says that it is there. */
export const RunnerHeartbeatRequest = Type.Object(
  {
    repository: Type.Optional({
      ...RepositoryName,
      description: 'The one that it serves; absent: not only one.',
    }),
    labels: Type.Optional(
      Type.Array(Text({ minLength: 1, maxLength: 200 }), {
        maxItems: 32,
        description: 'Absent: they stay as they are.',
      }),
    ),
    status: Type.Optional(
      Type.Enum(['idle', 'busy', 'starting', 'stopping', 'offline'], {
        description: 'Absent: busy while jobs that it delegated are unfinished, else idle.',
      }),
    ),
  },
  { $id: 'RunnerHeartbeatRequest', additionalProperties: false },
)
export type RunnerHeartbeatRequest = Static<typeof RunnerHeartbeatRequest>

export const DeleteRunnerResponse = Answer('DeleteRunnerResponse', Type.Object({ id: Uuid }))
export type DeleteRunnerResponse = Static<typeof DeleteRunnerResponse>

const limit = (type: 'integer' | 'number', description: string) =>
  Type.Unsafe<number | null>({ type: [type, 'null'], description })

/** What serves jobs with certain labels, as configured. */
export const RunnerClassInfo = Type.Object(
  {
    name: Type.String(),
    labels: Type.Array(Type.String()),
    executor: Type.Enum(['docker', 'kubernetes']),
    image: Type.String(),
    hasCommand: Type.Boolean({ description: 'false: it runs GitHub’s runner.' }),
    limits: Type.Object({
      memoryBytes: limit('integer', 'null: none.'),
      cpus: limit('number', 'Cores; null: none.'),
      pids: limit('integer', 'Processes and threads; null: none.'),
      diskBytes: limit('integer', 'null: none.'),
      timeoutMs: Type.Integer({ description: 'Milliseconds from the start of a container.' }),
    }),
    network: Type.String(),
    maxRunners: Type.Integer({ description: 'Containers at once.' }),
    maxPerRepository: limit('integer', 'Containers of one repository at once; null: no limit.'),
    warm: Type.Integer({ description: 'Containers that are created before they are needed.' }),
    repositories: Type.Unsafe<string[] | null>({
      type: ['array', 'null'],
      items: { type: 'string' },
      description: 'owner/name and owner/* that may use it; null: all.',
    }),
    active: Type.Integer({ description: 'Jobs that have a container, or are about to.' }),
    queued: Type.Integer({ description: 'Jobs that wait for one.' }),
  },
  { $id: 'RunnerClassInfo' },
)
export type RunnerClassInfo = Static<typeof RunnerClassInfo>

export const ListRunnerClassesResponse = Answer(
  'ListRunnerClassesResponse',
  Type.Array(RunnerClassInfo),
)
export type ListRunnerClassesResponse = Static<typeof ListRunnerClassesResponse>
