import Type, { type Static } from 'typebox'
import { BuildFailureReason, BuildStepKey, BuildStepStatus } from './builds.ts'
import { Text, Uuid } from './fields.ts'
import { workerLimits } from './worker-api.ts'

// What a worker on another machine says of a build, and asks: see `BuildControl` of the server.

const ErrorText = Text({ maxLength: workerLimits.errorLength })
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** Everything that an attempt at a build needs to know, as the program's own parts tell each other. */
export const BeginBuildResponse = Type.Object(
  { attempt: Type.Unknown() },
  { $id: 'BeginBuildResponse' },
)
export type BeginBuildResponse = Static<typeof BeginBuildResponse>

export const ReportBuildStepRequest = Type.Object(
  {
    step: BuildStepKey,
    status: BuildStepStatus,
    progress: Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 0, maximum: 100 }),
    commitSha: Type.Optional(Type.String({ pattern: '^[0-9a-f]{40}$' })),
  },
  { $id: 'ReportBuildStepRequest', additionalProperties: false },
)
export type ReportBuildStepRequest = Static<typeof ReportBuildStepRequest>

export const BuildRegistryResponse = Type.Object(
  {
    login: Type.Union([
      Type.Object({
        username: Type.String(),
        password: Type.String(),
        serverAddress: Type.String(),
      }),
      Type.Null(),
    ]),
  },
  { $id: 'BuildRegistryResponse' },
)
export type BuildRegistryResponse = Static<typeof BuildRegistryResponse>

export const FindUnneededImagesRequest = Type.Object(
  { jobs: Type.Array(Uuid, { maxItems: 10_000, description: 'Whose images the engine has.' }) },
  { $id: 'FindUnneededImagesRequest', additionalProperties: false },
)
export type FindUnneededImagesRequest = Static<typeof FindUnneededImagesRequest>

export const FindUnneededImagesResponse = Type.Object(
  { jobs: Type.Array(Uuid, { description: 'Those of builds that need none of them any more.' }) },
  { $id: 'FindUnneededImagesResponse' },
)
export type FindUnneededImagesResponse = Static<typeof FindUnneededImagesResponse>

export const CompleteBuildRequest = Type.Object(
  {
    result: Type.Union([
      Type.Object(
        {
          status: Type.Literal('completed'),
          outputs: Type.Array(
            Type.Union([
              Type.Object(
                {
                  type: Type.Literal('zip'),
                  objectKey: Text({ minLength: 1, maxLength: 1_024 }),
                  fileName: Text({ minLength: 1, maxLength: 1_024 }),
                  sizeBytes: Bytes,
                  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
                },
                { additionalProperties: false },
              ),
              Type.Object(
                {
                  type: Type.Literal('docker_image'),
                  url: Text({ minLength: 1, maxLength: 4_096 }),
                  imageId: Text({ minLength: 1, maxLength: 500 }),
                  digest: Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 500 }),
                  sizeBytes: Bytes,
                },
                { additionalProperties: false },
              ),
            ]),
            { maxItems: 100 },
          ),
        },
        { additionalProperties: false },
      ),
      Type.Object(
        { status: Type.Literal('failed'), reason: BuildFailureReason, error: ErrorText },
        { additionalProperties: false },
      ),
    ]),
  },
  { $id: 'CompleteBuildRequest', additionalProperties: false },
)
export type CompleteBuildRequest = Static<typeof CompleteBuildRequest>
