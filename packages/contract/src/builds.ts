import Type, { type Static } from 'typebox'
import { IntegerId } from './credentials.ts'
import { NullableTimestamp, RefName, Text, Timestamp } from './fields.ts'

// Builds (`/api/pipelines`). Source: Enhanced Pipeline API Documentation; fields that it does not
// have are ours and come beside its own.

/** What a build may be asked to do, in the order in which it is done. */
export const BuildStepKey = Type.Enum([
  'clone_repo',
  'apply_branding',
  'apply_config',
  'create_zip',
  'build_image',
  'push_registry',
])
export type BuildStepKey = Static<typeof BuildStepKey>

/** pending → running → completed | failed; also pending → failed, when it is cancelled. */
export const BuildStatus = Type.Enum(['pending', 'running', 'completed', 'failed'])
export type BuildStatus = Static<typeof BuildStatus>

/** Why a build is `failed`. */
export const BuildFailureReason = Type.Enum(['cancelled', 'step_failed', 'timeout', 'interrupted'])
export type BuildFailureReason = Static<typeof BuildFailureReason>

export const BuildStepStatus = Type.Enum(['pending', 'running', 'completed', 'failed', 'skipped'])
export type BuildStepStatus = Static<typeof BuildStepStatus>

export const BuildOutputType = Type.Enum(['zip', 'docker_image', 'both'])
export type BuildOutputType = Static<typeof BuildOutputType>

const Nullable = <Schema extends object>(schema: Schema & { type?: string }) =>
  Type.Unsafe<never>({ ...schema, type: [schema.type ?? 'string', 'null'] })
const NullableId = Type.Unsafe<number | null>(Nullable(IntegerId))
const NullableText = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })

/** Values for `ARG` of a Dockerfile. */
const BuildArgs = Type.Record(
  Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,99}$' }),
  Text({ maxLength: 4_096 }),
  { maxProperties: 100, description: 'Values of ARG in the Dockerfile. Not for secrets.' },
)

/**
 * What is to be built. Whether steps, outputs and ids fit together is judged by the server, which
 * names every problem at once.
 */
export const CreateBuildRequest = Type.Object(
  {
    steps_to_execute: Type.Array(Text({ maxLength: 100 }), {
      minItems: 1,
      maxItems: 50,
      description: `Of ${BuildStepKey.enum.join(', ')}; always done in this order.`,
    }),
    git_repository_id: Type.Optional(
      Type.Unsafe<number | null>({
        ...Nullable(IntegerId),
        description: 'A registered and verified repository; absent or null: the official one.',
      }),
    ),
    output_type: Text({ maxLength: 100, description: 'zip, docker_image or both.' }),
    registry_id: Type.Optional(
      Type.Unsafe<number | null>({
        ...Nullable(IntegerId),
        description: 'Where push_registry pushes to.',
      }),
    ),
    branding_template_id: Type.Optional(
      Type.Unsafe<number | null>({
        ...Nullable(IntegerId),
        description: 'What apply_branding applies.',
      }),
    ),
    configuration_id: Type.Optional(
      Type.Unsafe<number | null>({
        ...Nullable(IntegerId),
        description: 'What apply_config applies.',
      }),
    ),
    branch: Type.Optional(RefName),
    ref: Type.Optional({
      ...RefName,
      description: 'Branch, tag or commit; default: the default branch of the repository.',
    }),
    image_name: Type.Optional(
      Text({ minLength: 1, maxLength: 200, description: 'Default: <name>-custom.' }),
    ),
    image_tag: Type.Optional(
      Text({ minLength: 1, maxLength: 128, description: 'Default: the time, YYYYMMDD_HHMMSS.' }),
    ),
    build_args: Type.Optional(BuildArgs),
    platforms: Type.Optional(
      Type.Array(Text({ minLength: 1, maxLength: 100 }), {
        maxItems: 10,
        description: 'Such as linux/amd64; default: that of the engine.',
      }),
    ),
    custom_parameters: Type.Optional(
      Type.Record(Text({ maxLength: 200 }), Type.Unknown(), {
        maxProperties: 200,
        description:
          'Returned as given; those that are text, numbers or booleans reach the build as arguments and template variables.',
      }),
    ),
  },
  { $id: 'CreateBuildRequest', additionalProperties: false },
)
export type CreateBuildRequest = Static<typeof CreateBuildRequest>

/** What a build says of its repository. */
export const BuildRepositoryInfo = Type.Object({
  id: NullableId,
  name: Type.String(),
  url: Type.String(),
  type: Type.Enum(['https', 'http', 'ssh', 'file']),
  is_verified: Type.Boolean(),
})
export type BuildRepositoryInfo = Static<typeof BuildRepositoryInfo>

export const BuildStepState = Type.Object({
  key: BuildStepKey,
  name: Type.String(),
  status: BuildStepStatus,
  progress: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'Whole percent; null where the step can’t tell.',
  }),
  started_at: NullableTimestamp,
  completed_at: NullableTimestamp,
})
export type BuildStepState = Static<typeof BuildStepState>

/** A file or an image; which fields are there depends on `output_type`. */
export const BuildOutput = Type.Object(
  {
    id: IntegerId,
    output_type: Type.Enum(['zip', 'docker_image']),
    file_path: Type.Optional(Type.String({ description: 'Of a ZIP: where it is in the store.' })),
    file_size_bytes: Type.Optional(Type.Integer()),
    checksum_sha256: Type.Optional(Type.String({ description: '64 hexadecimal digits.' })),
    image_url: Type.Optional(
      Type.String({ description: 'Of an image: its name, with the registry it was pushed to.' }),
    ),
    image_digest: Type.Optional(NullableText('Of its manifest in the registry.')),
    image_size_bytes: Type.Optional(Type.Integer()),
    download_count: Type.Integer(),
    expires_at: Type.Unsafe<string | null>({
      ...NullableTimestamp,
      description: 'When it is removed; null: never.',
    }),
    created_at: Timestamp,
    download_url: Type.Optional(Type.String({ description: 'Of a ZIP that can be had.' })),
  },
  { $id: 'BuildOutput' },
)
export type BuildOutput = Static<typeof BuildOutput>

export const Build = Type.Object(
  {
    id: IntegerId,
    status: BuildStatus,
    steps_to_execute: Type.Array(BuildStepKey),
    git_repository_id: NullableId,
    output_type: BuildOutputType,
    registry_id: NullableId,
    started_at: Timestamp,
    completed_at: NullableTimestamp,
    logs: Type.String({ description: 'At most the last 64 KiB.' }),
    logs_truncated: Type.Boolean(),
    repository_info: BuildRepositoryInfo,
    build_outputs: Type.Array(BuildOutput),
    failure_reason: Type.Unsafe<BuildFailureReason | null>({
      type: ['string', 'null'],
      enum: [...BuildFailureReason.enum, null],
    }),
    error: NullableText('Why it failed, in words.'),
    branding_template_id: NullableId,
    configuration_id: NullableId,
    ref: NullableText('As asked for.'),
    commit_sha: NullableText('What was built, once it is known.'),
    image_name: NullableText('As asked for.'),
    image_tag: NullableText('As asked for.'),
    build_args: Type.Record(Type.String(), Type.String()),
    platforms: Type.Array(Type.String()),
    custom_parameters: Type.Record(Type.String(), Type.Unknown()),
    steps: Type.Array(BuildStepState),
    attempt: Type.Integer({ description: 'Attempts begun; 0: none yet.' }),
    retry_of: Type.Unsafe<number | null>({
      ...Nullable(IntegerId),
      description: 'The build that this one tries again.',
    }),
    executed_at: Type.Unsafe<string | null>({
      ...NullableTimestamp,
      description: 'When its steps began.',
    }),
    created_by: Type.String(),
  },
  { $id: 'Build', description: 'The documents’ “pipeline run” of this family.' },
)
export type Build = Static<typeof Build>
