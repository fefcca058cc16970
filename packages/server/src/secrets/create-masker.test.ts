import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileMasks, createMasker, foldedLine, longLine } from './create-masker.ts'
import { secretNeedles, wrapLead, type Needle } from './secret-needles.ts'

/** Byte by byte from the definition in the docstring of `compileMasks`; knows nothing of chunks. */
function maskNaively(secrets: readonly string[], text: Buffer): Buffer {
  const covered = new Uint8Array(text.length)
  for (const needle of secretNeedles(secrets)) {
    for (let start = 0; start < text.length; start++) {
      const end = occurrenceEnd(text, start, needle)
      if (end !== null) covered.fill(1, start, end)
    }
  }
  let out = ''
  for (let at = 0; at < text.length; at++) {
    const char = String.fromCharCode(text.readUInt8(at))
    if (covered[at] === 0 || char === '\n') out += char
    else if (at === 0 || covered[at - 1] === 0 || text[at - 1] === 10) out += '***'
  }
  return Buffer.from(out, 'latin1')
}

function occurrenceEnd(text: Buffer, start: number, { bytes, wraps }: Needle): number | null {
  let at = start
  for (let matched = 0; matched < bytes.length;) {
    if (text[at] === bytes[matched]) {
      at++
      matched++
      continue
    }
    const after = text[at] === 10 ? at + 1 : text[at] === 13 && text[at + 1] === 10 ? at + 2 : null
    if (after === null || matched === 0) return null
    const line = text.subarray(at === 0 ? 0 : text.lastIndexOf(10, at - 1) + 1, at)
    const isFolded = /^[\w+/=-]{48}$/.test(line.subarray(-foldedLine).toString('latin1'))
    const joins = line.length >= longLine || (wraps && isFolded && matched >= wrapLead)
    if (!joins) return null
    at = after
  }
  return at
}

function maskInChunks(secrets: readonly string[], text: Buffer, sizes: readonly number[]): Buffer {
  const masker = createMasker(secrets)
  const out: Buffer[] = []
  let at = 0
  for (let turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length] ?? text.length
    out.push(...masker.push(Buffer.from(text.subarray(at, at + size))))
    at += size
  }
  return Buffer.concat([...out, ...masker.end()])
}

const textOf = (pieces: readonly Buffer[]) => Buffer.concat(pieces).toString()

const mask = (secrets: readonly string[], text: string, sizes: readonly number[] = []) =>
  maskInChunks(secrets, Buffer.from(text), sizes).toString()

const key = ['-----BEGIN KEY-----', 'b3BlbnNzaC1rZXktdjEAAAAA', 'a', 'Zz09==', '-----END KEY-----']
const pem = key.join('\n') + '\n'
const token = 's3cr3t/with+odd "chars" & más'

describe('createMasker', () => {
  it.each([
    ['as it is', token],
    ['in JSON', JSON.stringify({ token })],
    ['in JSON inside JSON', JSON.stringify(JSON.stringify({ token }))],
    ['in JSON kept to ASCII', `"${JSON.stringify(token).slice(1, -1).replace('á', '\\u00e1')}"`],
    ['in a URL', `https://x/?t=${encodeURIComponent(token)}&b=1`],
    ['in a form', new URLSearchParams({ token }).toString()],
    ['in lower-case percent escapes', encodeURIComponent(token).toLowerCase()],
    ['in hex', Buffer.from(token).toString('hex')],
    ['in base64', Buffer.from(token).toString('base64')],
    ['in base64 with a line end', Buffer.from(`${token}\n`).toString('base64')],
    ['in base64url', Buffer.from(token).toString('base64url')],
  ])('masks a secret %s', (_, text) => {
    const masked = mask([token], `before ${text} after\n`, [3])
    expect(masked).toMatch(/^before .*\*\*\*.* after\n$/)
    for (const { bytes } of secretNeedles([token])) expect(masked).not.toContain(bytes.toString())
  })

  it.each(['user:', 'user1:', 'user12:'])('masks base64 at the alignment that %s gives', (user) => {
    const masked = mask([token], Buffer.from(`${user}${token}@host`).toString('base64'))
    expect(Buffer.from(masked.replace('***', ''), 'base64').toString()).not.toContain('s3c')
    expect(masked.length).toBeLessThan(22)
  })

  it.each([60, 64, 76])('masks in base64 folded at %i columns, at any offset', (columns) => {
    for (let lead = 0; lead < 80; lead++) {
      const encoded = Buffer.from('x'.repeat(lead) + token + 'y'.repeat(80)).toString('base64')
      const folded = encoded.replace(new RegExp(`.{${columns}}`, 'g'), '$&\n')
      const left = mask([token], folded, [5]).replaceAll('\n', '').split('***')
      const visible = left.reduce((sum, part) => sum + part.length, 0)
      const secretChars = Math.floor((Buffer.byteLength(token) * 8) / 6)
      expect(visible).toBeLessThanOrEqual(encoded.length - secretChars + 1 + (wrapLead - 1))
    }
  })

  it('masks across the line break that a container runtime puts after 16 KiB', () => {
    for (let before = 1; before < token.length; before++) {
      const text = 'x'.repeat(16_384 - before) + token
      const broken = `${text.slice(0, 16_384)}\n${text.slice(16_384)} rest\n`
      expect(mask([token], broken, [4096])).toBe(`${'x'.repeat(16_384 - before)}***\n*** rest\n`)
    }
  })

  it('masks every line of a secret, on its own and in the whole, and keeps the lines', () => {
    expect(mask([pem], `<\n${pem}>\n`)).toBe('<\n***\n***\n***\n***\n***\n>\n')
    expect(mask([pem], `${key[1]}\nA\na\n`)).toBe('***\nA\na\n')
    expect(mask([pem], `> ${JSON.stringify(pem)}\n`)).toBe('> "***\\n"\n')
    expect(mask([pem], pem.replaceAll('\n', '\r\n'))).toBe('***\n***\n***\n***\n***\r\n')
  })

  it('masks a secret all of whose lines are short', () => {
    expect(mask(['ab\ncd\nef'], 'ab\ncd\nef\nab\ncd\n', [1])).toBe('***\n***\n***\nab\ncd\n')
  })

  it('leaves short values and short lines alone', () => {
    expect(mask(['abc', '{\n"key": "value"\n}'], 'abc {\n}\n"key": "value"')).toBe('abc {\n}\n***')
  })

  it('masks what overlaps as one', () => {
    expect(mask(['abcdef', 'defghi', 'ananan'], 'xabcdefghix ananananan.', [2])).toBe('x***x ***.')
  })

  it('holds back no more than what may be the start of a secret', () => {
    const masker = createMasker(['hunter22', pem])
    expect(textOf(masker.push(Buffer.from('a line\nhunt')))).toBe('a line\n')
    expect(textOf(masker.push(Buffer.from('ing\n{\n')))).toBe('hunting\n{\n')
    expect(textOf(masker.push(Buffer.from(`${key[0]}\n`)))).toBe('***\n')
    expect(textOf(masker.push(Buffer.from('next hun')))).toBe('next ')
    expect(textOf(masker.end())).toBe('hun')
  })

  it('leaves bytes that are no UTF-8 as they are', () => {
    const bytes = Buffer.from([0xff, 0, 0xc3, 13, 10, 0x80])
    expect(maskInChunks([token], bytes, [1])).toEqual(bytes)
  })

  it('masks what a longer secret is cut into', () => {
    const long = Array.from({ length: 300 }, (_, i) => `part${i}-`).join('')
    expect(mask([long], `a ${long} b ${Buffer.from(long).toString('hex')} c`, [700])).toBe(
      'a *** b *** c',
    )
  })

  it('does as its definition says, however the text is cut into chunks', () => {
    const secret = fc.oneof(
      fc.string({
        unit: fc.constantFrom('a', 'b', '"', '/', 'é', ' '),
        minLength: 3,
        maxLength: 9,
      }),
      fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 4, maxLength: 14 }),
      fc.string({ unit: 'binary', minLength: 4, maxLength: 40 }),
    )
    const scenario = fc.array(secret, { minLength: 1, maxLength: 3 }).chain((secrets) => {
      const needles = secretNeedles(secrets).map(({ bytes }) => bytes.toString('latin1'))
      const needle = needles.length === 0 ? fc.constant('') : fc.constantFrom(...needles)
      const piece = fc.oneof(
        { weight: 3, arbitrary: needle },
        {
          weight: 3,
          arbitrary: fc.tuple(needle, fc.nat(60)).map(([text, at]) => text.slice(0, at)),
        },
        { weight: 2, arbitrary: fc.tuple(needle, fc.nat(60)).map(([text, at]) => text.slice(at)) },
        { weight: 3, arbitrary: fc.constantFrom('\n', '\r\n', '\r', ' ', 'a', 'b', '{') },
        { weight: 1, arbitrary: fc.nat(60).map((count) => 'A'.repeat(count)) },
        { weight: 1, arbitrary: fc.constant('x'.repeat(longLine - 3)) },
      )
      return fc.record({
        secrets: fc.constant(secrets),
        text: fc.array(piece, { maxLength: 12 }).map((all) => Buffer.from(all.join(''), 'latin1')),
        sizes: fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 }),
      })
    })
    fc.assert(
      fc.property(scenario, ({ secrets, text, sizes }) => {
        const masked = maskInChunks(secrets, text, sizes)
        expect(masked.toString('latin1')).toBe(maskNaively(secrets, text).toString('latin1'))
      }),
      { numRuns: 400 },
    )
  }, 60_000)

  it('masks folded text as its definition says', () => {
    const scenario = fc.record({
      secret: fc.string({ minLength: 4, maxLength: 90 }),
      lead: fc.nat(90),
      columns: fc.integer({ min: 40, max: 80 }),
      end: fc.constantFrom('\n', '\r\n'),
      sizes: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
    })
    fc.assert(
      fc.property(scenario, ({ secret, lead, columns, end, sizes }) => {
        const encoded = Buffer.from('z'.repeat(lead) + secret + '!'.repeat(50)).toString('base64')
        const text = Buffer.from(encoded.replace(new RegExp(`.{${columns}}`, 'g'), `$&${end}`))
        const masked = maskInChunks([secret], text, sizes)
        expect(masked.toString('latin1')).toBe(maskNaively([secret], text).toString('latin1'))
      }),
      { numRuns: 400 },
    )
  }, 60_000)
})

describe('compileMasks', () => {
  it('masks messages, and streams independently of each other', () => {
    const masks = compileMasks(['hunter22'])
    const [one, two] = [masks.masker(), masks.masker()]
    expect(masks.text('no hunter22 here, hunt')).toBe('no *** here, hunt')
    expect(textOf(one.push(Buffer.from('hunt')))).toBe('')
    expect(textOf(two.push(Buffer.from('er22')))).toBe('er22')
    expect(textOf(one.push(Buffer.from('er22')))).toBe('***')
  })
})
