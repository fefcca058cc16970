import { describe, expect, it } from 'vitest'
import { locateCgroups } from './locate-cgroups.ts'

const mount = (root: string, point: string, type: string, options: string): string =>
  `30 29 0:26 ${root} ${point} rw,relatime shared:4 - ${type} ${type} rw,${options}`

describe('locateCgroups', () => {
  it('finds version 2', () => {
    const located = locateCgroups(
      mount('/', '/sys/fs/cgroup', 'cgroup2', 'nsdelegate'),
      '0::/system.slice/slipway.service\n',
    )
    expect(located?.version).toBe(2)
    expect(located?.own.get('memory')).toBe('/sys/fs/cgroup/system.slice/slipway.service')
  })

  it('finds version 2 in a container, where the own group is the root', () => {
    const located = locateCgroups(mount('/', '/sys/fs/cgroup', 'cgroup2', 'x'), '0::/\n')
    expect(located?.own.get('pids')).toBe('/sys/fs/cgroup')
  })

  it('finds version 1, each controller where it is mounted', () => {
    const located = locateCgroups(
      [
        mount('/', '/sys/fs/cgroup/memory', 'cgroup', 'memory'),
        mount('/', '/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
        mount('/', '/sys/fs/cgroup/pids', 'cgroup', 'pids'),
        mount('/', '/sys/fs/cgroup/unified', 'cgroup2', 'x'),
      ].join('\n'),
      '9:name=systemd:/\n8:pids:/\n4:memory:/a/b\n1:cpu,cpuacct:/c\n0::/\n',
    )
    expect(located).toEqual({
      version: 1,
      own: new Map([
        ['memory', '/sys/fs/cgroup/memory/a/b'],
        ['pids', '/sys/fs/cgroup/pids'],
        ['cpu', '/sys/fs/cgroup/cpu,cpuacct/c'],
      ]),
    })
  })

  it('leaves out what a mount shows of other groups', () => {
    const memory = mount('/docker/abc', '/sys/fs/cgroup/memory', 'cgroup', 'memory')
    const own = (path: string) => locateCgroups(memory, `4:memory:${path}\n`)?.own.get('memory')
    expect(own('/docker/abc')).toBe('/sys/fs/cgroup/memory')
    expect(own('/docker/abc/inner')).toBe('/sys/fs/cgroup/memory/inner')
  })

  it('reads mount points with blanks', () => {
    const located = locateCgroups(mount('/', String.raw`/my\040groups`, 'cgroup2', 'x'), '0::/a\n')
    expect(located?.own.get('cpu')).toBe('/my groups/a')
  })

  it('finds nothing where nothing is mounted', () => {
    expect(locateCgroups('', '0::/\n')).toBeNull()
    expect(locateCgroups('nonsense\n1 2 3 - x', 'nonsense')).toBeNull()
  })
})
