import type { ContentKind } from './content-kinds.ts'

/** Bytes of a file's beginning that `sniffBytes` looks at. */
export const sniffedBytes = 64

const at = (offset: number, bytes: string | readonly number[]) => (head: Buffer) =>
  head.subarray(offset, offset + bytes.length).equals(Buffer.from(bytes as string))

const both =
  (...tests: ((head: Buffer) => boolean)[]) =>
  (head: Buffer) =>
    tests.every((test) => test(head))

const signatures: readonly (readonly [ContentKind, (head: Buffer) => boolean])[] = [
  ['image/png', both(at(0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), at(12, 'IHDR'))],
  ['image/jpeg', at(0, [0xff, 0xd8, 0xff])],
  ['image/gif', at(0, 'GIF87a')],
  ['image/gif', at(0, 'GIF89a')],
  ['image/webp', both(at(0, 'RIFF'), at(8, 'WEBP'))],
  ['image/avif', at(4, 'ftypavif')],
  ['image/avif', at(4, 'ftypavis')],
  [
    'image/x-icon',
    (head) => at(0, [0, 0, 1, 0])(head) && head.length > 6 && head.readUInt16LE(4) > 0,
  ],
  ['font/woff', at(0, 'wOFF')],
  ['font/woff2', at(0, 'wOF2')],
  ['font/ttf', at(0, [0, 1, 0, 0])],
  ['font/ttf', at(0, 'true')],
  ['font/otf', at(0, 'OTTO')],
  ['application/pdf', at(0, '%PDF-')],
]

/** What the first bytes of a file say it is; null where they say nothing. */
export function sniffBytes(head: Buffer): ContentKind | null {
  return signatures.find(([, matches]) => matches(head))?.[0] ?? null
}
