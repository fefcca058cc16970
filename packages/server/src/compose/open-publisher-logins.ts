import { createOctokitGitHub } from '../adapters/github/octokit/create-octokit-github.ts'
import { allowUse, type CredentialsDeps, readCredential } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import type { GitHub } from '../ports/github.ts'

/** Whose commit names the credential, as `owner/name`; null: the server's settings do. */
type AskedBy = string | null

/** The keys of a credential for AWS, or a user name and password that stand for them. */
export async function openAwsKeys(
  deps: CredentialsDeps,
  input: { name: string; endpoint: string | null; askedBy: AskedBy },
): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }> {
  const { name, endpoint, askedBy } = input
  const credential = await readCredential(deps, { name })
  const { type, data } = credential
  if (type === 'registry_aws_ecr') {
    allowUse(credential, {
      askedBy,
      isBound: false,
      remedy: 'a registry_generic with the endpoint',
    })
    const {
      aws_access_key_id: accessKeyId,
      aws_secret_access_key: secretAccessKey,
      aws_session_token: sessionToken,
    } = data
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  }
  if (type === 'registry_generic') {
    const { registry_url: own } = data
    if (own !== undefined && (endpoint === null || !isWithin(endpoint, own))) {
      throw notFor(name, endpoint ?? 'AWS')
    }
    const isBound = own !== undefined
    allowUse(credential, { askedBy, isBound, remedy: 'the endpoint as its registry_url' })
    return { accessKeyId: data.username, secretAccessKey: data.password_or_token }
  }
  throw new AppError(
    'invalid_request',
    `The credential ${name} is of type ${type}; a bucket needs registry_aws_ecr or registry_generic`,
  )
}

/** GitHub with the token of a credential, or as the server's own, for the releases of one repository. */
export async function openGitHub(
  deps: {
    credentials: CredentialsDeps
    apiUrl: string
    own: GitHub | null
    version: string
  },
  input: { name: string | null; repository: string; askedBy: AskedBy },
): Promise<GitHub> {
  const { name, repository, askedBy } = input
  if (name === null) {
    if (askedBy !== null && !isOwn(input)) {
      throw new AppError(
        'authorization_failed',
        `It names no credentials, and with those of the server a commit of ${askedBy} gets to its own releases only, not to those of ${repository}`,
      )
    }
    if (deps.own !== null) return deps.own
    throw new AppError(
      'invalid_request',
      'It names no credentials, and the server has no access to GitHub of its own',
    )
  }
  const token = await openGitHubToken(deps.credentials, { name, repository, askedBy })
  const { apiUrl, version } = deps
  return createOctokitGitHub({ apiUrl, credential: { kind: 'token', token }, version })
}

/** The token of a credential for the releases of one repository. */
export async function openGitHubToken(
  deps: CredentialsDeps,
  input: { name: string; repository: string; askedBy: AskedBy },
): Promise<string> {
  const { name, askedBy } = input
  const credential = await readCredential(deps, { name })
  const { type, data } = credential
  if (type !== 'git_https') {
    throw new AppError(
      'invalid_request',
      `The credential ${name} is of type ${type}; GitHub needs git_https, with an access token`,
    )
  }
  allowUse(credential, { askedBy, isBound: isOwn(input), remedy: 'its own repository' })
  return data.password_or_token
}

function isOwn({ repository, askedBy }: { repository: string; askedBy: AskedBy }): boolean {
  return repository.toLowerCase() === askedBy?.toLowerCase()
}

/** A token for one npm registry: a credential that names another one is not sent there. */
export async function openNpmToken(
  deps: CredentialsDeps,
  input: { name: string; registry: string; askedBy: AskedBy },
): Promise<string> {
  const { name, registry, askedBy } = input
  const credential = await readCredential(deps, { name })
  const { type, data } = credential
  if (type !== 'registry_generic') {
    throw new AppError(
      'invalid_request',
      `The credential ${name} is of type ${type}; an npm registry needs registry_generic`,
    )
  }
  const { registry_url: own, password_or_token: token } = data
  if (own !== undefined && !isWithin(registry, own)) throw notFor(name, registry)
  const isBound = own !== undefined
  allowUse(credential, { askedBy, isBound, remedy: 'a registry_url in its credential_data' })
  return token
}

function notFor(name: string, place: string): AppError {
  return new AppError('authorization_failed', `The credential ${name} is not for ${place}`)
}

/** Whether a URL is the other, or below it; also by its protocol, so that nothing goes unencrypted by surprise. */
function isWithin(url: string, own: string): boolean {
  if (!URL.canParse(url) || !URL.canParse(own)) return false
  const [asked, bound] = [new URL(url), new URL(own)]
  const folder = (path: string) => path.replace(/\/*$/, '/')
  return asked.origin === bound.origin && folder(asked.pathname).startsWith(folder(bound.pathname))
}
