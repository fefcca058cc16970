/** Variables that a cluster sets in every container, whatever it is told. */
const ofCluster = [
  'HOSTNAME',
  'KUBERNETES_PORT',
  'KUBERNETES_PORT_443_TCP',
  'KUBERNETES_PORT_443_TCP_ADDR',
  'KUBERNETES_PORT_443_TCP_PORT',
  'KUBERNETES_PORT_443_TCP_PROTO',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
  'KUBERNETES_SERVICE_PORT_HTTPS',
]

/** A line of a shell script, or nothing, that takes away what a cluster adds to an environment. */
export function unsetClusterVariables(env: Readonly<Record<string, string>>): string {
  const others = ofCluster.filter((name) => !Object.hasOwn(env, name))
  return others.length === 0 ? '' : `unset ${others.join(' ')}\n`
}
