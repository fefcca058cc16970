import type { Isolation } from './isolation.ts'

/** The server's own user, files and network; only a process group and limits of its own. */
export const unisolated: Isolation = {
  mode: 'unisolated',
  description: 'no isolation: steps can do whatever the server can',
  contained: false,
  overhead: 0,
  launch: ({ spec, argv, env, marker }) => ({
    file: '/bin/sh',
    args: ['-c', 'exec "$@"', 'sh', ...argv],
    cwd: spec.directory,
    env: { ...env, [marker.name]: marker.value },
    input: null,
  }),
  readStatus: () => ({ init: null, started: true }),
  readFailure: (output) => ({ kind: 'no-sandbox', reason: output.split('\n', 1)[0] ?? '' }),
}
