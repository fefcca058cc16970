import Type, { type Static } from 'typebox'
import { Role } from './access.ts'
import { NullableTimestamp, Text, Timestamp } from './fields.ts'

/** Where to go back to after a sign-in: a path of this server, never another site. */
const ReturnTo = Text({
  minLength: 1,
  maxLength: 2000,
  description:
    'Path of this server, with a query if need be, that the browser is sent to; default: `/`.',
})

/** `GET /v1/sign-in`. */
export const BeginSignInQuery = Type.Object(
  { return_to: Type.Optional(ReturnTo) },
  { $id: 'BeginSignInQuery', additionalProperties: false },
)
export type BeginSignInQuery = Static<typeof BeginSignInQuery>

/** What the issuer sends a browser back with (RFC 6749, 4.1.2; RFC 9207); more may come. */
export const FinishSignInQuery = Type.Object(
  {
    state: Type.Optional(Type.String({ maxLength: 200 })),
    code: Type.Optional(Type.String({ maxLength: 8192 })),
    iss: Type.Optional(Type.String({ maxLength: 2000 })),
    error: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { $id: 'FinishSignInQuery', additionalProperties: true },
)
export type FinishSignInQuery = Static<typeof FinishSignInQuery>

/**
 * Why a browser comes back without a session, in `?sign_in_error=`: the person or the issuer said no; it
 * took too long, or was begun in another window; the issuer's answer is not to be believed; the issuer
 * does not answer.
 */
export const SignInError = Type.Enum(['denied', 'expired', 'failed', 'unavailable'])
export type SignInError = Static<typeof SignInError>

/** `GET /v1/sign-in/configuration`: how people and programs get in here. */
export const SignInConfiguration = Type.Object(
  {
    browser: Type.Object(
      {
        token: Type.Boolean({ description: '`POST /v1/session` takes tokens. Always true.' }),
        oidc: Type.Union(
          [
            Type.Object({
              url: Type.String({ description: 'Where a browser begins: `GET /v1/sign-in`.' }),
              issuer: Type.String(),
            }),
            Type.Null(),
          ],
          { description: 'Null: no issuer is set up for browsers.' },
        ),
      },
      { description: 'Of the dashboard.' },
    ),
    device: Type.Union(
      [
        Type.Object({
          issuer: Type.String({ description: 'Its discovery document has the endpoints.' }),
          client_id: Type.String({ description: 'Public client of the device flow (RFC 8628).' }),
          scope: Type.String({ description: 'Scopes to ask for, separated by spaces.' }),
        }),
        Type.Null(),
      ],
      { description: 'Of `slipway login`. Null: no issuer is set up for it.' },
    ),
    github_actions: Type.Union(
      [
        Type.Object({
          issuer: Type.String(),
          audience: Type.String({ description: 'What an ID token has to be made out to.' }),
        }),
        Type.Null(),
      ],
      { description: 'Null: no rule lets jobs of GitHub Actions in.' },
    ),
  },
  { $id: 'SignInConfiguration' },
)
export type SignInConfiguration = Static<typeof SignInConfiguration>

/** `POST /v1/session`: a token for a session cookie. */
export const CreateSessionRequest = Type.Object(
  {
    token: Type.String({
      minLength: 1,
      maxLength: 16_384,
      description: 'API token or access token of the issuer.',
    }),
  },
  { $id: 'CreateSessionRequest', additionalProperties: false },
)
export type CreateSessionRequest = Static<typeof CreateSessionRequest>

/** Who is asking, what they may do and see, and for how long. */
export const Session = Type.Object(
  {
    id: Type.String({ description: 'Stable: a token’s id, or `<issuer>|<subject>`.' }),
    name: Type.String({ description: 'As the audit log has it.' }),
    roles: Type.Array(Role),
    permissions: Type.Array(Type.String(), {
      description: 'All that the roles allow, e.g. `runs:create`, sorted.',
    }),
    repositories: Type.Union([Type.Array(Type.String()), Type.Null()], {
      description: 'The only repositories that are seen; null: all.',
    }),
    expires_at: Type.Unsafe<string | null>({
      ...NullableTimestamp,
      description:
        'When the credential ends by itself, however it is used; null: never. A session is renewed before.',
    }),
    session: Type.Union(
      [
        Type.Object({
          method: Type.Enum(['oidc', 'token'], { description: 'How it was begun.' }),
          created_at: Timestamp,
          idle_expires_at: Type.String({
            format: 'date-time',
            description: 'When it ends unless it is used.',
          }),
          csrf_token: Type.String({
            description: 'To be sent as `X-CSRF-Token` with everything that is not GET.',
          }),
        }),
        Type.Null(),
      ],
      { description: 'Null where the request did not come by a session cookie.' },
    ),
  },
  { $id: 'Session' },
)
export type Session = Static<typeof Session>

/** `DELETE /v1/session`. */
export const EndedSession = Type.Object(
  {
    end_session_url: Type.Union([Type.String(), Type.Null()], {
      description:
        'Where to send the browser so that the issuer ends its session, too; null: nowhere.',
    }),
  },
  { $id: 'EndedSession' },
)
export type EndedSession = Static<typeof EndedSession>

/** `POST /v1/sign-in/github-actions`: an ID token of a job for a token of ours. */
export const ExchangeGithubActionsRequest = Type.Object(
  {
    token: Type.String({
      minLength: 1,
      maxLength: 16_384,
      description: 'ID token of GitHub Actions, made out to the audience of the configuration.',
    }),
  },
  { $id: 'ExchangeGithubActionsRequest', additionalProperties: false },
)
export type ExchangeGithubActionsRequest = Static<typeof ExchangeGithubActionsRequest>

/** A token that a job of GitHub Actions got for its ID token; the only answer that holds it. */
export const ExchangedToken = Type.Object(
  {
    token: Type.String({ description: 'slw_…; shown this once.' }),
    token_type: Type.Enum(['Bearer']),
    expires_at: Timestamp,
    expires_in: Type.Integer({ description: 'Seconds.' }),
    name: Type.String({ description: 'As the audit log has it.' }),
    roles: Type.Array(Role),
    repositories: Type.Array(Type.String()),
  },
  { $id: 'ExchangedToken' },
)
export type ExchangedToken = Static<typeof ExchangedToken>
