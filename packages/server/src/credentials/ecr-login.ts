import type { CredentialData } from '@slipway/contract/credentials'
import { AppError } from '../errors.ts'
import type { RegistryLogin } from './registry-login.ts'
import { signAwsRequest } from './sign-aws-request.ts'

/** Milliseconds that AWS has to answer. */
const timeoutMs = 20_000
const target = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken'

/**
 * Gets a login for Amazon ECR, good for twelve hours, with AWS keys. `endpoint` takes the place of the
 * region's own. An `unavailable` says why there is none.
 */
export async function ecrLogin(
  name: string,
  data: CredentialData<'registry_aws_ecr'>,
  endpoint: string | null = null,
): Promise<RegistryLogin> {
  const region = data.region ?? 'us-east-1'
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const url = new URL(endpoint ?? `https://api.ecr.${region}.${domain}`)
  const body = '{}'
  const { host, ...headers } = signAwsRequest(
    {
      accessKeyId: data.aws_access_key_id,
      secretAccessKey: data.aws_secret_access_key,
      sessionToken: data.aws_session_token ?? null,
    },
    {
      region,
      service: 'ecr',
      headers: {
        host: url.host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
      },
      body,
      at: new Date(),
    },
  )
  const refuse = (why: string) =>
    new AppError('unavailable', `Amazon ECR gives the credential ${name} no login: ${why}`)
  let status: number
  let answer: unknown
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    status = response.status
    answer = await response.json()
  } catch {
    throw refuse(`no answer from ${host}`)
  }
  if (status !== 200) throw refuse(`it answers ${status} ${errorType(answer)}`)
  const [login] = (answer as { authorizationData?: Authorization[] }).authorizationData ?? []
  const [username, password] = Buffer.from(login?.authorizationToken ?? '', 'base64')
    .toString()
    .split(/:(.*)/s)
  if (login === undefined || !username || !password) throw refuse('the answer holds none')
  return { username, password, registryUrl: login.proxyEndpoint ?? null }
}

interface Authorization {
  /** Base64 of user name, colon, password. */
  authorizationToken?: string
  proxyEndpoint?: string
}

/** The kind of error, such as `UnrecognizedClientException`; nothing else of the answer. */
function errorType(answer: unknown): string {
  const { __type: type } = answer as { __type?: unknown }
  return typeof type === 'string' ? type.replace(/^.*#/, '').slice(0, 100) : ''
}
