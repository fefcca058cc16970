import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseOptions } from './parse-options.ts'

describe('parseOptions', () => {
  it('reads what takes nothing from the host', () => {
    const text =
      '--cpus 1 -m 512m --pids-limit=64 --user 1000:1000 -w /srv --init --network-alias cache ' +
      '--network-alias=store --health-cmd "redis-cli ping" --health-interval 10s --health-timeout=5s ' +
      '--health-retries 5 --health-start-period 1m'
    expect(parseOptions(text, 'service')).toEqual({
      options: {
        cpus: 1,
        memoryBytes: 512 * 1024 * 1024,
        pids: 64,
        user: '1000:1000',
        workdir: '/srv',
        aliases: ['cache', 'store'],
        health: {
          command: 'redis-cli ping',
          isOff: false,
          intervalMs: 10_000,
          timeoutMs: 5_000,
          retries: 5,
          startPeriodMs: 60_000,
        },
      },
      problems: [],
    })
  })

  it('has nothing against no options', () => {
    const { options, problems } = parseOptions('', 'job')
    expect(problems).toEqual([])
    expect(options).toMatchObject({ cpus: null, memoryBytes: null, user: null, aliases: [] })
  })

  it.each([
    '--privileged',
    '--cap-add SYS_ADMIN',
    '--cap-add=SYS_ADMIN',
    '-v /:/host',
    '--volume=/:/host',
    '--mount type=bind,source=/,target=/host',
    '--device /dev/sda',
    '--pid host',
    '--network host',
    '--net=host',
    '--ipc host',
    '--userns host',
    '--security-opt seccomp=unconfined',
    '--volumes-from other',
    '--runtime other',
    '--cgroup-parent /',
    '-p 80:80',
    '--env A=b',
    '--name mine',
    '--entrypoint sh',
  ])('refuses %s by its name', (text) => {
    const name = text.split(/[ =]/)[0]
    for (const of of ['job', 'service', 'step'] as const) {
      expect(parseOptions(text, of).problems).toEqual([`${name} is not taken here`])
    }
  })

  it('tells every problem', () => {
    const text = '--cpus many --memory 1 -u "a b" --privileged stray --health-cmd x -m'
    expect(parseOptions(text, 'job').problems).toEqual([
      '--cpus must be a number of 0.01 to 1024',
      '--memory must be 6m or more',
      '--user is not of the form that it has',
      '--privileged is not taken here',
      '--health-cmd is not taken here',
      '--memory has no value',
    ])
    expect(parseOptions('stray', 'job').problems).toEqual(['"stray" is no option'])
    expect(parseOptions('--user "1', 'job').problems).toEqual(['have a quote that is not closed'])
  })

  it('lets nothing through that it does not know', () => {
    const known = /^(?:--(?:cpus|memory|pids-limit|user|workdir|init)|-[muw])(?:=|$)/
    fc.assert(
      fc.property(fc.stringMatching(/^--?[a-z-]{1,12}(?:=[a-z0-9/:]{0,8})?$/), (word) => {
        fc.pre(!known.test(word))
        expect(parseOptions(word, 'job').problems).not.toEqual([])
      }),
    )
  })
})
