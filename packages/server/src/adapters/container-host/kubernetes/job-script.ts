import { unsetClusterVariables } from '../../../kubernetes/index.ts'

/** Seconds that a container has to end when it is asked to. */
export const graceSeconds = 10

/** Keeps a container running, and ends with success when it is asked to. */
export const idleScript = `trap 'exit 0' TERM INT
while :; do sleep 86400 & wait "$!" || exit; done`

/**
 * The first line of a container's log, which is no output: a log that does not begin with it has lost its
 * beginning.
 */
export function markerOf(name: string): string {
  return `--- ${name} ---`
}

/**
 * What the first process of a container runs: `sh -c <script> sh <command…>`. The command gets stdout and stderr
 * as one stream, so that the order in which they are written is kept. The shell remains the first process, which
 * no signal reaches that it does not wait for: a command in its place would be deaf to SIGTERM.
 */
export function jobScript(name: string, env: Readonly<Record<string, string>>): string {
  const script = ['exec </dev/null', `echo '${markerOf(name)}'`, '( exec "$@" ) 2>&1', 'exit $?']
  return unsetClusterVariables(env) + script.join('\n')
}
