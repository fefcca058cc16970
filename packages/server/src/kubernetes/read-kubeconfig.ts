import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { AppError } from '../errors.ts'

/** What the current context of a kubeconfig comes to. */
export interface KubeconfigAccess {
  url: string
  namespace: string | null
  ca: string | null
  serverName: string | null
  token: string | null
  tokenFile: string | null
  client: { cert: string; key: string } | null
}

type Mapping = Readonly<Record<string, unknown>>

/** What would have to be run or asked for a login, or would make the connection unsafe. */
const refusedOfUsers = ['exec', 'auth-provider', 'username', 'password', 'as']
const refusedOfClusters = ['insecure-skip-tls-verify', 'proxy-url']

/**
 * Reads the cluster and the user of the current context. An AppError `unavailable` says what cannot be
 * used of it; it never holds a credential.
 */
export async function readKubeconfig(path: string): Promise<KubeconfigAccess> {
  const refuse = (why: string): never => {
    throw new AppError('unavailable', `KUBECONFIG (${path}) ${why}`)
  }
  const text = await readFile(path, 'utf8').catch(() => refuse('cannot be read'))
  let file: Mapping
  try {
    file = mapping(parse(text))
  } catch {
    return refuse('is not YAML')
  }
  const named = (list: string, name: unknown, part: string): Mapping => {
    const found = (Array.isArray(file[list]) ? file[list] : [])
      .map(mapping)
      .find((entry) => entry['name'] === name)
    if (found === undefined) return refuse(`has no ${part} ${JSON.stringify(name ?? null)}`)
    return mapping(found[part])
  }
  const context = named('contexts', file['current-context'], 'context')
  const cluster = named('clusters', context['cluster'], 'cluster')
  const user = named('users', context['user'], 'user')
  for (const [part, names] of [
    [user, refusedOfUsers],
    [cluster, refusedOfClusters],
  ] as const) {
    const used = names.filter((name) => part[name] !== undefined && part[name] !== false)
    if (used.length > 0) {
      refuse(
        `uses ${used.join(', ')}, which this server does not: give it a token or a certificate`,
      )
    }
  }
  const folder = dirname(resolve(path))
  /** Of a field, or of the file that the field of the same name without `-data` names. */
  const pem = async (part: Mapping, name: string): Promise<string | null> => {
    const data = part[`${name}-data`]
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString()
    const file = part[name]
    if (typeof file !== 'string') return null
    return readFile(resolve(folder, file), 'utf8').catch(() =>
      refuse(`names ${file}, which cannot be read`),
    )
  }
  const [ca, cert, key] = await Promise.all([
    pem(cluster, 'certificate-authority'),
    pem(user, 'client-certificate'),
    pem(user, 'client-key'),
  ])
  const tokenFile = textOf(user['tokenFile'])
  return {
    url: addressOf(cluster['server'], refuse),
    namespace: textOf(context['namespace']),
    ca,
    serverName: textOf(cluster['tls-server-name']),
    token: textOf(user['token']),
    tokenFile: tokenFile === null ? null : resolve(folder, tokenFile),
    client: cert === null || key === null ? null : { cert, key },
  }
}

/** Without TLS only on this machine, where a proxy of the user's may listen. */
function addressOf(given: unknown, refuse: (why: string) => never): string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : null
  if (url === null) return refuse('has no address of its cluster')
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) {
    return refuse('has an address without TLS')
  }
  return url.href.replace(/\/+$/, '')
}

function mapping(value: unknown): Mapping {
  return value !== null && typeof value === 'object' ? (value as Mapping) : {}
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
