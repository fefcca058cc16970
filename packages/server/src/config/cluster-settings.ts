import { directory, host, port } from './parse.ts'
import { objectName } from './parse-kubernetes.ts'
import { absent, type ValuesOf } from './setting.ts'

/** How the API server of a cluster is found; nothing is read of it before something needs a cluster. */
export interface ClusterConfig {
  /** Path of a file; null: the account of the pod that this runs in. */
  kubeconfig: string | null
  /** Null: this is no pod of a cluster. */
  service: { host: string; port: string } | null
  /** Of `KUBERNETES_NAMESPACE`; null: that of the account. */
  namespace: string | null
}

/** Settings that reach a cluster; part of `settings`. Their names are those of Kubernetes itself. */
export const clusterSettings = {
  KUBECONFIG: absent({
    description:
      'File that says how a Kubernetes cluster is reached, for what is configured to use one.',
    default: null,
    defaultNote: 'the service account of the pod that the server runs in',
    parse: directory,
  }),
  KUBERNETES_SERVICE_HOST: absent({
    description: 'Host of the API server, as every pod has it.',
    default: null,
    parse: host,
  }),
  KUBERNETES_SERVICE_PORT: absent({
    description: 'Port of the API server, as every pod has it.',
    default: null,
    parse: port,
  }),
  KUBERNETES_NAMESPACE: absent({
    description:
      'Namespace that steps run in, and jobs of runner classes with `executor: kubernetes`.',
    default: null,
    defaultNote: 'that of the account by which the cluster is reached',
    parse: objectName,
  }),
}

export function toCluster(values: ValuesOf<typeof clusterSettings>): ClusterConfig {
  const { KUBECONFIG: kubeconfig, KUBERNETES_SERVICE_HOST: at } = values
  const service = String(values.KUBERNETES_SERVICE_PORT ?? 443)
  return {
    kubeconfig,
    service: at === null ? null : { host: at, port: service },
    namespace: values.KUBERNETES_NAMESPACE,
  }
}
