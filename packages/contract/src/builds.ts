import Type, { type Static, type TSchema } from 'typebox'
import { IntegerId } from './credentials.ts'
import { Cursor, NullableTimestamp, RefName, Text, Timestamp } from './fields.ts'
import { buildStepKeys } from './vocabulary.ts'

// Builds (`/api/pipelines`). Source: Enhanced Pipeline API Documentation; fields that it does not
// have are ours and come beside its own.

/** What a build may be asked to do, in the order in which it is done. */
export const BuildStepKey = Type.Enum([...buildStepKeys])
export type BuildStepKey = Static<typeof BuildStepKey>

/** pending → running → completed | failed; also pending → failed, when it is cancelled. */
export const BuildStatus = Type.Enum(['pending', 'running', 'completed', 'failed'])
export type BuildStatus = Static<typeof BuildStatus>

/** Why a build is `failed`. */
export const BuildFailureReason = Type.Enum(['cancelled', 'step_failed', 'timeout', 'interrupted'])
export type BuildFailureReason = Static<typeof BuildFailureReason>

/** What `GET /api/pipelines/steps` says of a step, and what it cannot do without. */
export const BuildStepInfo = Type.Object(
  {
    key: BuildStepKey,
    name: Type.String(),
    description: Type.String(),
    order: Type.Integer({ minimum: 1 }),
    required: Type.Boolean({ description: 'Every build has it.' }),
    dependencies: Type.Array(BuildStepKey, {
      description: 'Steps that a build with this one must have too.',
    }),
  },
  { $id: 'BuildStepInfo' },
)
export type BuildStepInfo = Static<typeof BuildStepInfo>

const step = (
  order: number,
  key: BuildStepKey,
  name: string,
  description: string,
  dependencies: readonly BuildStepKey[] = ['clone_repo'],
): BuildStepInfo => ({
  key,
  name,
  description,
  order,
  required: key === 'clone_repo',
  dependencies: [...dependencies],
})

/** Every step there is, in the order in which they run. */
export const buildSteps: readonly BuildStepInfo[] = [
  step(
    1,
    'clone_repo',
    'Clone Git Repository',
    'Clone the Git repository (official or custom fork)',
    [],
  ),
  step(2, 'apply_branding', 'Apply Branding Template', 'Apply selected branding template'),
  step(3, 'apply_config', 'Apply Configuration', 'Apply configuration settings'),
  step(4, 'create_zip', 'Create ZIP Archive', 'Package customizations into a ZIP file'),
  step(5, 'build_image', 'Build Docker Image', 'Build a Docker image from the Dockerfile'),
  step(6, 'push_registry', 'Push to Registry', 'Push the Docker image to a container registry', [
    'clone_repo',
    'build_image',
  ]),
]

export const BuildStepStatus = Type.Enum(['pending', 'running', 'completed', 'failed', 'skipped'])
export type BuildStepStatus = Static<typeof BuildStepStatus>

export const BuildOutputType = Type.Enum(['zip', 'docker_image', 'both'])
export type BuildOutputType = Static<typeof BuildOutputType>

/** The same or null, as one schema: a union would have every answer validated as it is written. */
export function OrNull<Schema extends TSchema>(schema: Schema, description?: string) {
  const { type = 'string', enum: values } = schema as { type?: string; enum?: readonly unknown[] }
  return Type.Unsafe<Static<Schema> | null>({
    ...schema,
    type: [type, 'null'],
    ...(values === undefined ? {} : { enum: [...values, null] }),
    ...(description === undefined ? {} : { description }),
  })
}
const NullableId = OrNull(IntegerId)
const NullableText = (description: string) => OrNull(Type.String(), description)

/** Values for `ARG` of a Dockerfile. */
const BuildArgs = Type.Record(Type.String(), Text({ maxLength: 4_096 }), {
  maxProperties: 100,
  description:
    'Values of ARG in the Dockerfile, by names of letters, digits and "_". Not for secrets.',
})

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
      OrNull(IntegerId, 'A registered and verified repository; absent or null: the official one.'),
    ),
    output_type: Text({ maxLength: 100, description: 'zip, docker_image or both.' }),
    registry_id: Type.Optional(OrNull(IntegerId, 'Where push_registry pushes to.')),
    branding_template_id: Type.Optional(OrNull(IntegerId, 'What apply_branding applies.')),
    configuration_id: Type.Optional(OrNull(IntegerId, 'What apply_config applies.')),
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
        description: 'One, such as linux/amd64; default: that of the engine.',
      }),
    ),
    custom_parameters: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        maxProperties: 200,
        description:
          'At most 64 KiB. Returned as given; those that are text, numbers or booleans reach the build as arguments and template variables.',
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
  progress: OrNull(Type.Integer(), 'Whole percent; null where the step can’t tell.'),
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
    expires_at: OrNull(Timestamp, 'When it is removed; null: never.'),
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
    failure_reason: OrNull(BuildFailureReason),
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
    retry_of: OrNull(IntegerId, 'The build that this one tries again.'),
    executed_at: OrNull(Timestamp, 'When its steps began.'),
    created_by: Type.String(),
  },
  { $id: 'Build', description: 'The documents’ “pipeline run” of this family.' },
)
export type Build = Static<typeof Build>

const success = Type.Literal(true)

export const ListBuildsQuery = Type.Object(
  {
    status: Type.Optional(BuildStatus),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_147_483_647,
        description: 'At most so many; absent: all of them, as a stream.',
      }),
    ),
    offset: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_147_483_647,
        default: 0,
        description: 'Builds to skip, counted from the newest.',
      }),
    ),
  },
  { $id: 'ListBuildsQuery', additionalProperties: false },
)
export type ListBuildsQuery = Static<typeof ListBuildsQuery>

export const ListBuildsResponse = Type.Object(
  {
    success,
    runs: Type.Array(Build, { description: 'Newest first.' }),
    count: Type.Integer({ description: 'Builds in this answer.' }),
    total: Type.Integer({ description: 'Builds that there are with this status.' }),
  },
  { $id: 'ListBuildsResponse' },
)
export type ListBuildsResponse = Static<typeof ListBuildsResponse>

export const BuildResponse = Type.Object({ success, pipeline_run: Build }, { $id: 'BuildResponse' })
export type BuildResponse = Static<typeof BuildResponse>

export const ExecuteBuildQuery = Type.Object(
  {
    wait: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'false: answer at once, as `Prefer: respond-async` does.',
      }),
    ),
  },
  { $id: 'ExecuteBuildQuery', additionalProperties: false },
)
export type ExecuteBuildQuery = Static<typeof ExecuteBuildQuery>

/** What became of an execution; of one that is still under way, that it is. */
export const ExecuteBuildResponse = Type.Object(
  {
    success,
    execution_result: Type.Object({
      success: Type.Boolean({ description: 'false: the build has failed.' }),
      message: Type.String({ description: 'For people; of a failed build, why.' }),
      status: BuildStatus,
      failure_reason: OrNull(BuildFailureReason),
    }),
  },
  { $id: 'ExecuteBuildResponse' },
)
export type ExecuteBuildResponse = Static<typeof ExecuteBuildResponse>

export const BuildLogsQuery = Type.Object(
  {
    follow: Type.Optional(Type.Boolean({ description: 'Go on with what is still to come.' })),
    after: Type.Optional(
      Cursor({ minimum: 0, description: 'Only lines behind this one; the first line is 1.' }),
    ),
    tail: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Only the last lines.' }),
    ),
    ticket: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { $id: 'BuildLogsQuery', additionalProperties: false },
)
export type BuildLogsQuery = Static<typeof BuildLogsQuery>

export const ListBuildOutputsResponse = Type.Object(
  { success, build_outputs: Type.Array(BuildOutput), count: Type.Integer() },
  { $id: 'ListBuildOutputsResponse' },
)
export type ListBuildOutputsResponse = Static<typeof ListBuildOutputsResponse>

export const ListBuildStepsResponse = Type.Object(
  { success, build_steps: Type.Array(BuildStepInfo), count: Type.Integer() },
  { $id: 'ListBuildStepsResponse' },
)
export type ListBuildStepsResponse = Static<typeof ListBuildStepsResponse>
