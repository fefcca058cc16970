/** What this executor limits. */
export const controllers = ['memory', 'pids', 'cpu'] as const
export type Controller = (typeof controllers)[number]

export interface OwnCgroups {
  version: 1 | 2
  /** The server's own group for each controller, as an absolute directory. */
  own: ReadonlyMap<Controller, string>
}

/**
 * Finds the groups that the server itself is in. Groups for executions are made below them, so that
 * whatever limits the server limits its steps too.
 *
 * @param mountinfo the text of `/proc/self/mountinfo`
 * @param membership the text of `/proc/self/cgroup`
 */
export function locateCgroups(mountinfo: string, membership: string): OwnCgroups | null {
  const mounts = mountinfo.split('\n').flatMap(parseMount)
  const groups = membership.split('\n').flatMap((line) => {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    return match ? [{ names: (match[1] ?? '').split(','), path: match[2] ?? '/' }] : []
  })

  const legacy = new Map<Controller, string>()
  for (const controller of controllers) {
    const mount = mounts.find((m) => m.type === 'cgroup' && m.options.includes(controller))
    const group = groups.find((g) => g.names.includes(controller))
    if (mount && group) legacy.set(controller, directoryOf(mount, group.path))
  }
  if (legacy.size > 0) return { version: 1, own: legacy }

  const mount = mounts.find((m) => m.type === 'cgroup2')
  const group = groups.find((g) => g.names.length === 1 && g.names[0] === '')
  if (!mount || !group) return null
  const directory = directoryOf(mount, group.path)
  return { version: 2, own: new Map(controllers.map((controller) => [controller, directory])) }
}

interface CgroupMount {
  type: string
  /** The group that the mount point shows: not `/` in a container without a cgroup namespace. */
  root: string
  point: string
  options: readonly string[]
}

function parseMount(line: string): CgroupMount[] {
  const [before, after] = line.split(' - ')
  const fields = before?.split(' ')
  const tail = after?.split(' ')
  const [root, point, type] = [fields?.[3], fields?.[4], tail?.[0]]
  if (!root || !point || (type !== 'cgroup' && type !== 'cgroup2')) return []
  return [
    { type, root: unescape(root), point: unescape(point), options: (tail?.[2] ?? '').split(',') },
  ]
}

function directoryOf(mount: CgroupMount, group: string): string {
  const inside =
    mount.root === '/'
      ? group
      : group.startsWith(`${mount.root}/`)
        ? group.slice(mount.root.length)
        : '/'
  return inside === '/' || group === mount.root ? mount.point : `${mount.point}${inside}`
}

/** mountinfo writes blanks and backslashes as three octal digits. */
function unescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}
