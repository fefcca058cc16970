import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../directories.ts'
import { AppError } from '../errors.ts'
import { type KubeconfigAccess, readKubeconfig } from './read-kubeconfig.ts'

/** Where the API server is, and how one proves to it who one is. */
export interface ClusterAccess {
  /** Without a slash at its end. */
  readonly url: string
  /** What the account or the kubeconfig says; null: nothing. */
  readonly namespace: string | null
  /** As they are now: tokens and authorities are replaced while a server runs. */
  credentials(): Promise<ClusterCredentials>
}

export interface ClusterCredentials {
  /** PEM; null: the authorities that Node knows. */
  ca: string | null
  token: string | null
  /** PEM. */
  client: { cert: string; key: string } | null
  /** Name in the server's certificate, where it is not that of the address. */
  serverName: string | null
}

export interface ClusterAccessOptions {
  /** Path of a kubeconfig; null: the account of the pod that this runs in. */
  kubeconfig: string | null
  /** `KUBERNETES_SERVICE_HOST` and `_PORT`, as pods have them. */
  service: { host: string; port: string } | null
  /** Directory of the pod's account. */
  account: string
}

/** Where every pod with an account finds it. */
export const accountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/** An AppError `unavailable` says what is missing; nothing is contacted. */
export async function openClusterAccess(options: ClusterAccessOptions): Promise<ClusterAccess> {
  const { kubeconfig, service, account } = options
  if (kubeconfig !== null) return accessOf(kubeconfig, await readKubeconfig(kubeconfig))
  if (service === null) {
    throw new AppError(
      'unavailable',
      'There is no cluster to be seen: set KUBECONFIG, or run in a pod of the cluster',
    )
  }
  const read = async (name: string): Promise<string> => {
    try {
      return (await readFile(join(account, name), 'utf8')).trim()
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'EACCES')) throw error
      throw new AppError(
        'unavailable',
        `The pod has no ${name} of a service account: it needs automountServiceAccountToken`,
      )
    }
  }
  const { host, port } = service
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace: await read('namespace'),
    async credentials() {
      const [ca, token] = await Promise.all([read('ca.crt'), read('token')])
      return { ca, token, client: null, serverName: null }
    },
  }
}

/** The file may be replaced, too: what it says of the credentials counts anew each time. */
function accessOf(path: string, { url, namespace }: KubeconfigAccess): ClusterAccess {
  return {
    url,
    namespace,
    async credentials() {
      const { tokenFile, ...found } = await readKubeconfig(path)
      if (found.url !== url) {
        throw new AppError('unavailable', `KUBECONFIG now names another cluster, ${found.url}`)
      }
      const token = tokenFile === null ? found.token : (await readFile(tokenFile, 'utf8')).trim()
      return { ca: found.ca, token, client: found.client, serverName: found.serverName }
    },
  }
}
