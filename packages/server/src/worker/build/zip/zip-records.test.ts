import { describe, expect, it } from 'vitest'
import {
  centralHeader,
  dataDescriptor,
  endOfArchive,
  localHeader,
  type ZipRecord,
} from './zip-records.ts'

const record = (change: Partial<ZipRecord>): ZipRecord => ({
  name: Buffer.from('a'),
  mode: 0o100644,
  isDeflated: true,
  isStreamed: false,
  crc: 0xcafebabe,
  compressedSize: 7,
  size: 9,
  offset: 5,
  ...change,
})
const big = { isStreamed: true, size: 5_000_000_000, compressedSize: 4_500_000_000 }
const int64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at))

describe('an entry of 4 GiB and more', () => {
  it('has 64-bit sizes in the directory, and in the record behind its data', () => {
    const central = centralHeader(record(big))
    expect(central.readUInt16LE(6)).toBe(45)
    expect([central.readUInt32LE(20), central.readUInt32LE(24)]).toEqual([0xffffffff, 0xffffffff])
    expect(central.readUInt16LE(30)).toBe(20)
    expect([central.readUInt16LE(47), central.readUInt16LE(49)]).toEqual([1, 16])
    expect([int64(central, 51), int64(central, 59)]).toEqual([big.size, big.compressedSize])
    expect(central.readUInt32LE(42)).toBe(5)
    const descriptor = dataDescriptor(record(big))
    expect(descriptor).toHaveLength(24)
    expect([int64(descriptor, 8), int64(descriptor, 16)]).toEqual([big.compressedSize, big.size])
    const local = localHeader(record(big))
    // The field is there, so that the record behind the data is known to be the longer one.
    expect([local.readUInt16LE(28), local.readUInt16LE(31), int64(local, 35)]).toEqual([20, 1, 0])
  })

  it('begins where sizes nearly fit, since what cannot be compressed grows', () => {
    const almost = record({ isStreamed: true, size: 0xefff_ffff, compressedSize: 0xf000_ffff })
    expect(dataDescriptor(almost)).toHaveLength(16)
    expect(dataDescriptor({ ...almost, size: 0xf000_0000 })).toHaveLength(24)
  })
})

it('has a 64-bit offset where it is 4 GiB into the archive', () => {
  const central = centralHeader(record({ offset: 6_000_000_000 }))
  expect(central.readUInt16LE(6)).toBe(45)
  expect([central.readUInt32LE(20), central.readUInt32LE(24)]).toEqual([7, 9])
  expect(central.readUInt32LE(42)).toBe(0xffffffff)
  expect([central.readUInt16LE(49), int64(central, 51)]).toEqual([8, 6_000_000_000])
})

it.each([
  [{ entries: 65_535, offset: 1, bytes: 1 }],
  [{ entries: 1, offset: 0xffff_ffff, bytes: 1 }],
  [{ entries: 1, offset: 1, bytes: 0xffff_ffff }],
])('ends an archive of %o with 64-bit numbers', (directory) => {
  const end = endOfArchive(directory)
  expect(end).toHaveLength(56 + 20 + 22)
  expect(int64(end, 32)).toBe(directory.entries)
  expect(int64(end, 40)).toBe(directory.bytes)
  expect(int64(end, 48)).toBe(directory.offset)
  expect(int64(end, 56 + 8)).toBe(directory.offset + directory.bytes)
  expect(endOfArchive({ entries: 65_534, offset: 1, bytes: 1 })).toHaveLength(22)
})
