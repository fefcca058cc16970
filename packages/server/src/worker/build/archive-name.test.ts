import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkObjectKey } from '../../ports/object-key.ts'
import { archiveName } from './archive-name.ts'

const at = new Date('2024-01-08T10:15:00.999Z')
const named = (name: string, isOfficial = false) => archiveName({ name, isOfficial }, at)

describe('archiveName', () => {
  it.each([
    ['acme/shop', 'shop_custom_20240108_101500.zip'],
    ['My Custom Fork', 'My_Custom_Fork_custom_20240108_101500.zip'],
    ['acme/../..', 'repository_custom_20240108_101500.zip'],
    ['acme/.dotted.', 'dotted_custom_20240108_101500.zip'],
    ['東京', 'repository_custom_20240108_101500.zip'],
  ])('of %s is %s', (name, expected) => expect(named(name)).toBe(expected))

  it('of the official repository is the documents’ own', () => {
    expect(named('open-webui/open-webui', true)).toBe('open_webui_custom_20240108_101500.zip')
  })

  it('is part of a key of the object store, whatever the repository is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (name, isOfficial) => {
        const file = named(name, isOfficial)
        checkObjectKey(`builds/1/outputs/1/${file}`)
        expect(file).toMatch(/^[A-Za-z0-9][\w.-]*_custom_\d{8}_\d{6}\.zip$/)
      }),
    )
  })
})
