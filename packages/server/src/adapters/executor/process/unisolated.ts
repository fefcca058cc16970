import type { Isolation } from './isolation.ts'
import { joinScript } from './unshare-scripts.ts'

/** The server's own user, files and network; only a process group and limits of its own. */
export const unisolated: Isolation = {
  mode: 'unisolated',
  description: 'no isolation: steps can do whatever the server can',
  contained: false,
  overhead: 0,
  launch: ({ spec, argv, env, marker, joinFiles }) => ({
    file: '/bin/sh',
    args: ['-c', joinScript, 'sh', ...joinFiles, '--', ...argv],
    cwd: spec.directory,
    env: { ...env, [marker.name]: marker.value },
    input: null,
  }),
  readStatus: () => ({ init: null, started: true }),
  readFailure: (output) => ({ kind: 'no-sandbox', reason: output.split('\n', 1)[0] ?? '' }),
}
