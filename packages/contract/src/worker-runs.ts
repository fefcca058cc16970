import Type, { type Static } from 'typebox'
import { Text, Uuid } from './fields.ts'
import { ConfigurationProblem } from './runs.ts'
import { workerLimits } from './worker-api.ts'

// What a worker on another machine says of the jobs of runs, and asks. Which run, task or release it is
// about is what the job says that it holds. Names inside of configuration, attempts and results are those
// of the program itself: nobody else reads them.

const ErrorText = Text({ maxLength: workerLimits.errorLength })
const NullableString = Type.Unsafe<string | null>({ type: ['string', 'null'] })
const NullableNumber = Type.Unsafe<number | null>({ type: ['number', 'null'] })
const NullableBoolean = Type.Unsafe<boolean | null>({ type: ['boolean', 'null'] })
const NullableStrings = Type.Unsafe<string[] | null>({
  type: ['array', 'null'],
  items: { type: 'string' },
})
const Keys = Type.Record(Type.String(), Type.Unknown())

const Publisher = Type.Object({
  name: Type.String(),
  type: Type.String(),
  credentials: NullableString,
  with: Keys,
})

const Environment = Type.Object({
  name: Type.String(),
  approval: Type.Object({
    required: NullableBoolean,
    approvals: NullableNumber,
    roles: NullableStrings,
    expiresMs: NullableNumber,
    selfApproval: NullableBoolean,
  }),
  branches: NullableStrings,
  triggers: Type.Unsafe<('branch' | 'tag' | 'manual')[] | null>({
    type: ['array', 'null'],
    items: { enum: ['branch', 'tag', 'manual'] },
  }),
  autoDeploy: NullableBoolean,
  logRetentionDays: NullableNumber,
})

const RepositoryConfig = Type.Object({
  file: Type.String(),
  forgeVersion: Type.String(),
  tagging: Type.Object({ strategy: Type.Enum(['monorepo', 'tag-all']) }),
  phases: Type.Array(
    Type.Object({
      name: Type.String(),
      group: Type.Integer(),
      description: NullableString,
      timeoutMs: Type.Integer({ minimum: 1 }),
      required: Type.Boolean(),
    }),
    { maxItems: 1_000 },
  ),
  publishers: Type.Array(Publisher, { maxItems: 10_000 }),
  environments: Type.Array(Environment, { maxItems: 10_000 }),
})

const command = {
  action: Type.String(),
  with: Keys,
  timeoutMs: Type.Integer({ minimum: 1 }),
  env: Type.Record(Type.String(), Type.String()),
  secrets: Type.Array(
    Type.Object({ name: Type.String(), env: Type.String(), file: Type.Boolean() }),
    { maxItems: 10_000 },
  ),
  image: NullableString,
  network: Type.Enum(['host', 'none']),
}
const Command = Type.Object(command)

const ProjectConfig = Type.Object({
  name: Type.String(),
  path: Type.String(),
  file: Type.String(),
  phases: Type.Array(
    Type.Object({
      name: Type.String(),
      steps: Type.Array(
        Type.Object({
          ...command,
          name: Type.String(),
          needs: Type.Array(Type.String(), { maxItems: 10_000 }),
        }),
        { maxItems: 10_000 },
      ),
    }),
    { maxItems: 1_000 },
  ),
  artifacts: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.Enum(['container', 'binary', 'archive']),
      producer: Type.Object({
        command: Type.Union([Command, Type.Null()]),
        path: NullableString,
      }),
      publishers: Type.Array(Type.String(), { maxItems: 10_000 }),
    }),
    { maxItems: 10_000 },
  ),
  release: Type.Object({
    on: Type.Array(
      Type.Union([
        Type.Object({ type: Type.Literal('branch'), branch: Type.String() }),
        Type.Object({ type: Type.Literal('tag') }),
        Type.Object({ type: Type.Literal('manual') }),
      ]),
      { maxItems: 10_000 },
    ),
  }),
  deploy: Type.Object({
    resources: Type.Array(
      Type.Intersect([
        Type.Object({
          apiVersion: Type.String(),
          kind: Type.String(),
          metadata: Type.Intersect([Type.Object({ name: Type.String() }), Keys]),
        }),
        Keys,
      ]),
      { maxItems: 100_000 },
    ),
  }),
})

/** What discovery found in a commit. */
export const CompleteDiscoveryRequest = Type.Object(
  {
    discovery: Type.Union([
      Type.Object({
        ok: Type.Literal(true),
        commitSha: Type.String({ pattern: '^[0-9a-f]{40}$' }),
        repository: RepositoryConfig,
        projects: Type.Array(ProjectConfig, { maxItems: 10_000 }),
      }),
      Type.Object({
        ok: Type.Literal(false),
        message: ErrorText,
        problems: Type.Optional(Type.Array(ConfigurationProblem, { maxItems: 10_000 })),
      }),
    ]),
  },
  { $id: 'CompleteDiscoveryRequest', additionalProperties: false },
)
export type CompleteDiscoveryRequest = Static<typeof CompleteDiscoveryRequest>

const GitLogin = Type.Union([
  Type.Object({
    kind: Type.Literal('password'),
    username: Type.String(),
    password: Type.String(),
  }),
  Type.Object({
    kind: Type.Literal('key'),
    privateKey: Type.String(),
    passphrase: NullableString,
  }),
  Type.Null(),
])

/** Where a Git repository is, and how to get in. */
export const WorkerGitRemote = Type.Object(
  {
    url: Type.String(),
    login: Type.Optional(GitLogin),
    hostKeys: Type.Optional(NullableString),
    keptFor: Type.Optional(NullableString),
  },
  { $id: 'WorkerGitRemote' },
)
export type WorkerGitRemote = Static<typeof WorkerGitRemote>

export const LocateRepositoryResponse = Type.Object(
  {
    location: Type.Union([
      Type.Object({ ok: Type.Literal(true), remote: WorkerGitRemote }),
      Type.Object({ ok: Type.Literal(false), message: Type.String() }),
    ]),
  },
  { $id: 'LocateRepositoryResponse' },
)
export type LocateRepositoryResponse = Static<typeof LocateRepositoryResponse>

/** An attempt at a task with its steps, as the program's own parts tell each other. */
export const BeginTaskResponse = Type.Object(
  {
    attempt: Type.Object({
      number: Type.Integer({ minimum: 1 }),
      steps: Type.Array(Type.Object({ id: Uuid, logKey: Type.String(), step: Type.Unknown() })),
    }),
  },
  { $id: 'BeginTaskResponse' },
)
export type BeginTaskResponse = Static<typeof BeginTaskResponse>

export const ReadSecretsRequest = Type.Object(
  {
    names: Type.Array(Text({ minLength: 1, maxLength: 200 }), {
      minItems: 1,
      maxItems: workerLimits.secretNames,
    }),
  },
  { $id: 'ReadSecretsRequest', additionalProperties: false },
)
export type ReadSecretsRequest = Static<typeof ReadSecretsRequest>

export const ReadSecretsResponse = Type.Object(
  {
    values: Type.Record(Type.String(), Type.String(), {
      description: 'By name; what is not defined is absent.',
    }),
    refusal: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Why the run is given none.',
    }),
  },
  { $id: 'ReadSecretsResponse' },
)
export type ReadSecretsResponse = Static<typeof ReadSecretsResponse>

const Reported = Type.Enum(['running', 'success', 'failed'])

/** What became of a task and its steps. */
export const ReportTaskRequest = Type.Object(
  {
    report: Type.Object(
      {
        attempt: Type.Integer({ minimum: 1 }),
        task: Type.Optional(
          Type.Object(
            { status: Reported, error: Type.Optional(ErrorText) },
            { additionalProperties: false },
          ),
        ),
        steps: Type.Optional(
          Type.Array(
            Type.Object(
              {
                id: Uuid,
                status: Reported,
                exitCode: Type.Optional(
                  Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647 }),
                ),
                error: Type.Optional(ErrorText),
                logKey: Type.Optional(Text({ maxLength: 1_024 })),
              },
              { additionalProperties: false },
            ),
            { maxItems: 10_000 },
          ),
        ),
      },
      { additionalProperties: false },
    ),
  },
  { $id: 'ReportTaskRequest', additionalProperties: false },
)
export type ReportTaskRequest = Static<typeof ReportTaskRequest>

const Digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })

/** What an artifact's task came to; the report of its end is still to come. */
export const CompleteArtifactRequest = Type.Object(
  {
    attempt: Type.Integer({ minimum: 1, description: 'Of the task.' }),
    artifact: Type.Object(
      {
        name: Text({ minLength: 1, maxLength: 500 }),
        type: Type.Enum(['container', 'binary', 'archive']),
        trackingUri: Text({ minLength: 1, maxLength: 4_096 }),
        trackingDigest: Digest,
        primaryUri: Text({ minLength: 1, maxLength: 4_096 }),
        digest: Digest,
        sizeBytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
        published: Type.Array(
          Type.Object(
            {
              publisher: Text({ maxLength: 500 }),
              type: Text({ maxLength: 100 }),
              uri: Text({ maxLength: 4_096 }),
              digest: Text({ maxLength: 500 }),
            },
            { additionalProperties: false },
          ),
          { maxItems: 1_000 },
        ),
      },
      { additionalProperties: false },
    ),
  },
  { $id: 'CompleteArtifactRequest', additionalProperties: false },
)
export type CompleteArtifactRequest = Static<typeof CompleteArtifactRequest>

export const DeployReleaseResponse = Type.Object(
  {
    deployment: Type.Union([
      Type.Object({ deploymentId: Uuid }),
      Type.Object({ refused: Type.String({ description: 'For good; why.' }) }),
    ]),
  },
  { $id: 'DeployReleaseResponse' },
)
export type DeployReleaseResponse = Static<typeof DeployReleaseResponse>

/**
 * One line of the answer to work that takes long, which is JSON lines. The last one is `done` or `failed`;
 * an answer that ends with neither has broken off, and may be asked for again.
 */
export const LongWorkMessage = Type.Union(
  [
    Type.Object({ type: Type.Literal('ping') }, { description: 'It goes on.' }),
    Type.Object({ type: Type.Literal('done'), result: Type.Unknown() }),
    Type.Object({
      type: Type.Literal('failed'),
      error: Type.Object({
        code: Type.String(),
        message: Type.String(),
        details: Type.Optional(Keys),
      }),
    }),
  ],
  { $id: 'LongWorkMessage' },
)
export type LongWorkMessage = Static<typeof LongWorkMessage>
