import { describeContainer } from '../../../docker/index.ts'
import type { CheckedSpec } from '../check-spec.ts'

/** Where a command finds a home and a place for temporary files, both in memory. */
export const inside = { home: '/tmp/home', temporary: '/tmp' } as const

/** Everybody's, as the image's own users are not known. */
const writable = 'rw,exec,nosuid,nodev,mode=1777'

/**
 * The body of a request that creates the container of one execution: the image's files, read-only, with the
 * execution's directories at their own paths; no capability, and nothing of the engine's own log.
 */
export function describeExecution(
  spec: CheckedSpec & { image: string },
  own: { user: string; labels: Readonly<Record<string, string>> },
): Record<string, unknown> {
  const { memoryBytes, pids, cpus } = spec.limits
  const mounts = [
    { source: spec.workspace, target: spec.workspace, readOnly: false },
    ...(spec.cache === null ? [] : [{ source: spec.cache, target: spec.cache, readOnly: false }]),
    ...spec.readOnly.map((path) => ({ source: path, target: path, readOnly: true })),
  ]
  return describeContainer({
    image: spec.image,
    argv: spec.argv,
    env: {},
    labels: own.labels,
    workdir: spec.directory,
    // The workspace is the server's own; nobody else may write there.
    user: own.user,
    mounts,
    tmpfs: {
      [inside.home]: writable,
      [inside.temporary]: writable,
      // What it says is the machine's.
      '/sys': 'ro,size=4k',
    },
    readOnlyRoot: true,
    network: spec.network === 'none' ? 'none' : 'bridge',
    memoryBytes,
    cpus,
    pids,
    diskBytes: null,
    capabilities: [],
    log: { Type: 'none', Config: {} },
  })
}
