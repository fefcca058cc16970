import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeNotes, releaseNotes } from './release-notes.ts'

const release = {
  id: '0198c5a2-8d4e-7c3a-9f10-000000000001',
  project: 'api',
  releaseNumber: 42,
  commitSha: 'a'.repeat(40),
  artifacts: [{ name: 'image', type: 'container', uri: 'registry.example/acme/api@sha256:abc' }],
}

describe('releaseNotes', () => {
  it('names each project, its number with a link, its commit and its artifacts', () => {
    expect(releaseNotes([release], 'https://ci.example')).toBe(
      [
        '<!-- slipway:begin -->',
        '### `api` [#42](https://ci.example/v1/releases/0198c5a2-8d4e-7c3a-9f10-000000000001)',
        '',
        `Commit \`${'a'.repeat(40)}\``,
        '- container `image`: `registry.example/acme/api@sha256:abc`',
        '',
        '<!-- slipway:end -->',
      ].join('\n'),
    )
  })

  it('shows what an artifact is called as text', () => {
    const artifacts = [{ name: 'x`\n# y', type: 'binary', uri: 'z' }]
    expect(releaseNotes([{ ...release, artifacts }], '')).toContain('- binary `x  # y`: `z`')
  })
})

describe('mergeNotes', () => {
  const ours = releaseNotes([release], 'https://ci.example')
  const newer = releaseNotes([{ ...release, releaseNumber: 43 }], 'https://ci.example')

  it('stands in front of what others wrote, and is replaced in its place', () => {
    const merged = mergeNotes('Written by hand', ours)
    expect(merged).toBe(`${ours}\n\nWritten by hand`)
    expect(mergeNotes(`Before\n${merged}`, newer)).toBe(`Before\n${newer}\n\nWritten by hand`)
    expect(mergeNotes(' \n', ours)).toBe(ours)
  })

  it('changes nothing when repeated', () => {
    fc.assert(
      fc.property(fc.string(), (notes) => {
        const once = mergeNotes(notes, ours)
        expect(mergeNotes(once, ours)).toBe(once)
      }),
    )
  })
})
