import Type, { type Static } from 'typebox'
import { NullableTimestamp, Text } from './fields.ts'

/** What finished things are kept as long as each other. */
export const RetentionKind = Type.Enum(['runs', 'logs', 'jobs', 'events', 'audit'])
export type RetentionKind = Static<typeof RetentionKind>

const Pass = Type.Union(
  [
    Type.Object({
      ended_at: Type.String({ format: 'date-time' }),
      removed: Type.Integer({
        description: 'What it removed. Of each day of jobs at most 100,000 are counted.',
      }),
    }),
    Type.Null(),
  ],
  { description: 'The last pass over it; null: none yet.' },
)

export const RetentionPart = Type.Object(
  {
    what: Type.String({ description: 'For people: `runs`, `builds`, `events`…' }),
    rows: Type.Union([Type.Integer(), Type.Null()], {
      description: 'How many there are now; null: that took too long to count.',
    }),
    estimated: Type.Boolean({
      description: 'Over 10,000 the number is what the database believes of its tables.',
    }),
    bytes: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Of their tables in the database, indexes included; null: they are elsewhere.',
    }),
    last_pass: Pass,
    next_pass_at: Type.Unsafe<string | null>({
      ...NullableTimestamp,
      description: 'An hour after the last one; null: soon.',
    }),
  },
  { $id: 'RetentionPart' },
)
export type RetentionPart = Static<typeof RetentionPart>

export const RetentionTime = Type.Object(
  {
    kind: RetentionKind,
    description: Type.String(),
    kept: Type.String({ description: 'As durations are written, such as `90d`.' }),
    kept_seconds: Type.Integer(),
    source: Type.Enum(['default', 'file', 'changed', 'built-in'], {
      description:
        '`file`: slipway.yaml of the server that answers; `changed`: here; `built-in`: nobody changes it.',
    }),
    fixed_because: Type.Union([Type.String(), Type.Null()], {
      description: 'Why it cannot be changed here; null: it can.',
    }),
    unchanged: Type.String({ description: 'What holds where nothing is changed here.' }),
    changed_by: Type.Union([Type.String(), Type.Null()]),
    changed_at: NullableTimestamp,
    parts: Type.Array(RetentionPart),
  },
  { $id: 'RetentionTime' },
)
export type RetentionTime = Static<typeof RetentionTime>

export const RetentionResponse = Type.Object(
  {
    retention: Type.Array(RetentionTime),
    environments: Type.Array(Type.Object({ name: Type.String(), logs_days: Type.Integer() }), {
      description:
        'For how long logs are kept at least of runs with a release that was deployed there; set in slipway.yaml.',
    }),
  },
  { $id: 'RetentionResponse' },
)
export type RetentionResponse = Static<typeof RetentionResponse>

const Duration = Text({
  minLength: 1,
  maxLength: 20,
  description: 'From 1h to 3650d, such as `12h` or `90d`.',
})
const Changed = Type.Optional(
  Type.Union([Duration, Type.Null()], {
    description: 'Null: what holds where nothing is changed here. Absent: as it is.',
  }),
)

export const ChangeRetentionRequest = Type.Object(
  { runs: Changed, logs: Changed, jobs: Changed, events: Changed },
  { $id: 'ChangeRetentionRequest', additionalProperties: false, minProperties: 1 },
)
export type ChangeRetentionRequest = Static<typeof ChangeRetentionRequest>

const Tried = Type.Optional(Duration)

export const PreviewRetentionQuery = Type.Object(
  { runs: Tried, logs: Tried, jobs: Tried, events: Tried },
  { $id: 'PreviewRetentionQuery', additionalProperties: false },
)
export type PreviewRetentionQuery = Static<typeof PreviewRetentionQuery>

export const RetentionRemoval = Type.Object(
  {
    kind: RetentionKind,
    what: Type.String(),
    rows: Type.Union([Type.Integer(), Type.Null()], {
      description: 'How many would go now; null: that took too long to count.',
    }),
    at_least: Type.Boolean({ description: 'Counting ended at 10,000.' }),
  },
  { $id: 'RetentionRemoval' },
)
export type RetentionRemoval = Static<typeof RetentionRemoval>

export const PreviewRetentionResponse = Type.Object(
  {
    removes: Type.Array(RetentionRemoval, {
      description: 'What the next pass would remove; of kinds not asked for, as they are kept now.',
    }),
  },
  { $id: 'PreviewRetentionResponse' },
)
export type PreviewRetentionResponse = Static<typeof PreviewRetentionResponse>
