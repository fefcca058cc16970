import Type, { type Static } from 'typebox'
import { Text, Uuid } from './fields.ts'

// What a worker on another machine says of a delegated job, and asks: see `DelegationControl` of the server.

/** What to run, as the program's own parts tell each other. */
export const BeginDelegationResponse = Type.Object(
  { attempt: Type.Unknown() },
  { $id: 'BeginDelegationResponse' },
)
export type BeginDelegationResponse = Static<typeof BeginDelegationResponse>

/** GitHub gives each configuration once. */
export const RunnerConfigurationResponse = Type.Object(
  {
    env: Type.Record(Type.String(), Type.String()),
    secrets: Type.Array(Type.String(), { description: 'What no log may show.' }),
  },
  { $id: 'RunnerConfigurationResponse' },
)
export type RunnerConfigurationResponse = Static<typeof RunnerConfigurationResponse>

export const ReportDelegationRequest = Type.Object(
  { containerId: Text({ minLength: 1, maxLength: 200 }) },
  { $id: 'ReportDelegationRequest', additionalProperties: false },
)
export type ReportDelegationRequest = Static<typeof ReportDelegationRequest>

export const CompleteDelegationRequest = Type.Object(
  {
    result: Type.Object(
      {
        status: Type.Enum(['completed', 'failed', 'cancelled']),
        exitCode: Type.Unsafe<number | null>({
          type: ['integer', 'null'],
          minimum: -2_147_483_648,
          maximum: 2_147_483_647,
        }),
        reason: Type.Union([Text({ maxLength: 10_000, description: 'For people.' }), Type.Null()]),
      },
      { additionalProperties: false },
    ),
  },
  { $id: 'CompleteDelegationRequest', additionalProperties: false },
)
export type CompleteDelegationRequest = Static<typeof CompleteDelegationRequest>

export const FindUnfinishedRequest = Type.Object(
  { delegations: Type.Array(Uuid, { maxItems: 10_000 }) },
  { $id: 'FindUnfinishedRequest', additionalProperties: false },
)
export type FindUnfinishedRequest = Static<typeof FindUnfinishedRequest>

export const FindUnfinishedResponse = Type.Object(
  { delegations: Type.Array(Uuid, { description: 'Those of them that are not over.' }) },
  { $id: 'FindUnfinishedResponse' },
)
export type FindUnfinishedResponse = Static<typeof FindUnfinishedResponse>
