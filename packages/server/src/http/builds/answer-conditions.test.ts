import { describe, expect, it } from 'vitest'
import { allowsRange, asAttachment, namesTag } from './answer-conditions.ts'

const etag = '"abc"'

describe('namesTag', () => {
  it.each([
    [undefined, false],
    ['*', true],
    ['"abc"', true],
    ['W/"abc"', true],
    ['"x", "abc"', true],
    ['"x", "ab"', false],
    ['abc', false],
  ])('of %j is %j', (header, expected) => {
    expect(namesTag(header, etag)).toBe(expected)
  })
})

describe('allowsRange', () => {
  const modifiedAt = new Date('2024-01-08T10:01:35Z')
  it.each([
    [undefined, true],
    ['"abc"', true],
    ['W/"abc"', false],
    ['"other"', false],
    ['Mon, 08 Jan 2024 10:01:35 GMT', true],
    ['Mon, 08 Jan 2024 10:01:36 GMT', false],
    ['nonsense', false],
  ])('with %j is %j', (header, expected) => {
    expect(allowsRange(header, { etag, modifiedAt })).toBe(expected)
  })
})

describe('asAttachment', () => {
  it('keeps any name in a header of plain characters', () => {
    expect(asAttachment('open_webui_custom_20240108_101500.zip')).toBe(
      `attachment; filename="open_webui_custom_20240108_101500.zip"; filename*=UTF-8''open_webui_custom_20240108_101500.zip`,
    )
    expect(asAttachment('Ä "b" (1).zip')).toBe(
      `attachment; filename="_ _b_ (1).zip"; filename*=UTF-8''%C3%84%20%22b%22%20%281%29.zip`,
    )
  })
})
