import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOciName } from '../../oci/index.ts'
import { imageNameOf } from './image-name.ts'

const at = new Date('2024-01-08T10:15:05.999Z')
const nothing = { name: null, tag: null, args: {}, platforms: [] }
const repository = (name: string, isOfficial = false) => ({
  name,
  isOfficial,
  remote: { url: 'https://git.test/x.git' },
  ref: null,
})

describe('imageNameOf', () => {
  it.each([
    ['Open WebUI', true, 'open-webui-custom'],
    ['My Custom Fork', false, 'my-custom-fork-custom'],
    ['acme/shop', false, 'shop-custom'],
    ['acme/Shop.Next_2/', false, 'shop-next-2-custom'],
  ])('makes a name of %s', (name, isOfficial, expected) => {
    const made = imageNameOf({ image: nothing, repository: repository(name, isOfficial) }, at)
    expect(made).toBe(`${expected}:20240108_101505`)
  })

  it('makes a name that is one of whatever a repository is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const [made = ''] = imageNameOf({ image: nothing, repository: repository(name) }, at).split(
          ':',
        )
        expect(isOciName(made)).toBe(true)
      }),
    )
  })

  it('takes what was asked for, and refuses what is no name', () => {
    const asked = (more: object) =>
      imageNameOf({ image: { ...nothing, ...more }, repository: repository('a') }, at)
    expect(asked({ name: 'team/app', tag: 'v1.2' })).toBe('team/app:v1.2')
    expect(asked({ tag: 'v1.2' })).toBe('a-custom:v1.2')
    for (const wrong of [{ name: 'Team/App' }, { name: 'a:b' }, { name: '../a' }, { tag: 'a b' }]) {
      expect(() => asked(wrong)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
    }
  })
})
