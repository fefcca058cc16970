import { describe, expect, it } from 'vitest'
import { notesOf } from '../../packages/cli/src/reference/commands.ts'
import { permissions } from '../../packages/server/src/access/permissions.ts'
import { leavesOf, readProgram, refusal } from '../support/cli-help.ts'

// What every command has, and has in the same way.

const leaves = leavesOf(await readProgram()).filter(([path]) => !path.startsWith('__'))

/** Verbs by which one says what is done; each has one word. */
const otherWords: Record<string, string> = {
  get: 'show',
  view: 'show',
  add: 'create',
  new: 'create',
  remove: 'delete',
  rm: 'delete',
  test: 'verify',
  edit: 'update',
}

/** A list that is short by nature, or is not the server’s. */
const wholeLists = ['environment list', 'server list']

describe('every command', () => {
  it.each(leaves)(
    '%s says what it does, what it needs, and shows an example',
    async (path, one) => {
      const notes = notesOf(path)
      expect(one.description()).toMatch(/^\S.*[^.]$/s)
      expect(notes).toBeDefined()
      expect([...permissions, 'token', null]).toContain(notes?.needs)
      expect(notes?.examples.length).toBeGreaterThan(0)
      for (const example of notes?.examples ?? []) {
        expect(example).toContain(`slipway ${path}`)
        const [, words = ''] = /slipway (.*?)(?: [<>] .*|\))?$/.exec(example) ?? []
        const plain = words.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", ''))
        expect(await refusal(plain ?? [], { complete: true })).toBeNull()
      }
    },
  )

  it('is called by the word that is used everywhere; others are aliases', () => {
    const odd = leaves.filter(([path]) => {
      const verb = path.split(' ').at(-1) ?? ''
      return Object.hasOwn(otherWords, verb) && path !== 'webhook test'
    })
    expect(odd.map(([path]) => path)).toEqual([])
  })

  it.each(leaves.filter(([path]) => path.endsWith(' list') && !wholeLists.includes(path)))(
    '%s is bounded, says where to go on, and can be watched',
    (_path, { options }) => {
      const names = options.map(({ long }) => long)
      expect(names).toEqual(expect.arrayContaining(['--limit', '--watch']))
      const isStatus = _path === 'pipeline list'
      expect(isStatus || names.includes('--offset') || names.includes('--before')).toBe(true)
    },
  )

  it('spells an option in one way: what is short stands for the same long ones', () => {
    const long: Record<string, Set<string>> = {}
    for (const { short, long: name } of leaves.flatMap(([, { options }]) => options)) {
      if (short == null || name == null || short.startsWith('--')) continue
      long[short] = (long[short] ?? new Set()).add(name)
    }
    expect(
      Object.fromEntries(Object.entries(long).map(([key, all]) => [key, [...all].toSorted()])),
    ).toEqual({
      '-b': ['--branch'],
      '-c': ['--commit'],
      '-e': ['--environment'],
      '-f': ['--file', '--follow', '--force'],
      '-i': ['--input'],
      '-l': ['--label'],
      '-m': ['--reason'],
      '-n': ['--limit', '--tail'],
      '-o': ['--organisation', '--output'],
      '-p': ['--project'],
      '-r': ['--repository'],
      '-t': ['--timestamps'],
      '-w': ['--watch'],
      '-x': ['--execute'],
    })
  })
})
