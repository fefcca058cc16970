import type { Config } from '../config/read-config.ts'
import { AppError, StartupError } from '../errors.ts'
import {
  accountDirectory,
  connectKubernetes,
  type Kubernetes,
  openClusterAccess,
} from '../kubernetes/index.ts'
import type { Resources } from '../resources.ts'

/**
 * The cluster of the settings, in one namespace; null: that of the account. Nothing is contacted.
 *
 * @throws StartupError where no cluster is to be seen; `why` names the setting that needs one
 */
export async function openCluster(
  config: Config,
  { namespace, why }: { namespace: string | null; why: string },
  resources: Resources,
): Promise<Kubernetes> {
  try {
    const access = await openClusterAccess({ ...config.cluster, account: accountDirectory })
    const kubernetes = connectKubernetes(access, namespace ?? access.namespace ?? 'default')
    return resources.add('cluster', kubernetes, async (opened) => opened.close())
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new StartupError(`${why}: ${error.message}`, { cause: error })
  }
}
