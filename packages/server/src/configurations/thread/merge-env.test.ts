import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeEnv, quoteEnv, readEnv } from './merge-env.js'

const leaves = (settings: Record<string, unknown>) =>
  Object.entries(settings).map(([key, value]) => ({ path: [key], value }))
const merge = (text: string | null, settings: Record<string, unknown>) =>
  mergeEnv(text, leaves(settings))

const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/)
const value = fc
  .array(fc.constantFrom('a', ' ', '"', "'", '\\', '$', '`', '#', '\n', 'é', '=', '!', '\t'), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''))

/** What a shell makes of a file. */
function source(text: string): Map<string, string> {
  const printed = execFileSync('sh', ['-c', `set -a\n${text}\nenv -0`], {
    env: { PATH: '/usr/bin:/bin' },
  })
  return new Map(
    printed
      .toString()
      .split('\0')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

describe('mergeEnv', () => {
  it('replaces values where they are, adds the others at the end, and keeps all else', () => {
    const before = `# Settings
PORT=3000 # the port
export NAME="Open WebUI"
  SPACED = old
EMPTY=
KEEP='as # it is'
# OFF=1
not an assignment

LAST=1`
    expect(
      merge(before, {
        PORT: 8080,
        NAME: 'Acme',
        SPACED: 'a b',
        EMPTY: 'x',
        LAST: true,
        NEW: "it's",
        OFF: '',
      }),
    ).toEqual({
      text: `# Settings
PORT=8080 # the port
export NAME=Acme
  SPACED = 'a b'
EMPTY=x
KEEP='as # it is'
# OFF=1
not an assignment

LAST=true
NEW="it's"
OFF=
`,
      added: 2,
      changed: 5,
      same: 0,
    })
  })

  it('changes nothing where the values are there, however they are quoted', () => {
    const before = `A=x\nB='x y'\nC="x \\"y\\" \\$z"\nD=  # none\n`
    const settings = { A: 'x', B: 'x y', C: 'x "y" $z', D: '' }
    expect(merge(before, settings)).toEqual({ text: before, added: 0, changed: 0, same: 4 })
  })

  it('replaces values of several lines, the last of a name, and what only a shell understands', () => {
    const before = 'A="one\ntwo # not\nB=3"\nA=\'x\ny\' # end\nC=$(date)\nD="a"b"c"\nE="$HOME/x"\n'
    expect(merge(before, { A: '1', C: '2', D: '3', E: '4' }).text).toBe(
      'A="one\ntwo # not\nB=3"\nA=1 # end\nC=2\nD=3\nE=4\n',
    )
    expect([...readEnv(before).keys()]).toEqual(['A', 'C', 'D', 'E'])
  })

  it('keeps line ends and what marks the beginning', () => {
    expect(merge('\ufeffA=1\r\nB=2\r\n', { A: '3', C: '4' }).text).toBe(
      '\ufeffA=3\r\nB=2\r\nC=4\r\n',
    )
    expect(merge('A=1\r\nB=2', { B: 2, A: '1', C: '' }).text).toBe('A=1\r\nB=2\r\nC=\r\n')
  })

  it('makes a file', () => {
    expect(merge(null, { A: 1, B: 'b c' })).toEqual({
      text: `A=1\nB='b c'\n`,
      added: 2,
      changed: 0,
      same: 0,
    })
    expect(merge(null, {}).text).toBe('')
  })

  it('refuses a quote that is not closed', () => {
    expect(() => merge('A=1\nB="x\nC=2\n', { A: '2' })).toThrow(
      'has a quote that is not closed on line 2',
    )
  })

  it('is read back as it was given: here, and by a shell', () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, value, { maxKeys: 5 }),
        fc.dictionary(name, value),
        (a, b) => {
          const first = merge(null, a)
          const { text } = merge(`# Kept\n${first.text}`, b)
          const wanted = new Map([...Object.entries(a), ...Object.entries(b)])
          const read = readEnv(text)
          for (const [key, expected] of wanted) expect(read.get(key)?.value).toBe(expected)
          expect(new Set(read.keys())).toEqual(new Set(wanted.keys()))
          expect(text.startsWith('# Kept\n')).toBe(true)
          // And once more changes nothing.
          expect(merge(text, Object.fromEntries(wanted)).text).toBe(text)
        },
      ),
    )
  })

  it('is what a shell makes of it', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 10 }), (values) => {
        const settings = Object.fromEntries(values.map((text, at) => [`SLIPWAY_${at}`, text]))
        const read = source(merge(null, settings).text)
        for (const [key, expected] of Object.entries(settings)) {
          expect(read.get(key)).toBe(expected)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('quotes no more than is needed', () => {
    expect(['a/b:c', '', '1.5', 'a b', "it's", 'a"b', '$x'].map(quoteEnv)).toEqual([
      'a/b:c',
      '',
      '1.5',
      "'a b'",
      `"it's"`,
      `'a"b'`,
      `'$x'`,
    ])
  })
})
