import { describe, expect, it } from 'vitest'
import { foldTable, formatTable } from './table.ts'

const header = ['RUN', 'STATUS', 'BRANCH']
const rows = [
  ['a-long-id', 'success', 'main'],
  ['b', 'failed', 'a-branch-with-a-name'],
]

describe('a table', () => {
  it('has columns as wide as their widest cell', () => {
    expect(formatTable(header, rows)).toBe(
      'RUN        STATUS   BRANCH\na-long-id  success  main\nb          failed   a-branch-with-a-name\n',
    )
  })

  it('is folded where it does not fit: what names a row stays whole', () => {
    expect(foldTable(header, rows, 20)).toEqual([
      ['RUN', '  STATUS  BRANCH'],
      ['a-long-id', '  success  main'],
      ['b', '  failed', '  a-branch-with-a-name'],
    ])
  })

  it('counts no colours', () => {
    const paint = (text: string, column: number) => (column === 1 ? `<${text}>` : text)
    expect(formatTable(header, rows, paint).split('\n')[1]).toBe('a-long-id  <success>  main')
    expect(foldTable(header, rows, 16, paint)[1]).toEqual(['a-long-id', '  <success>  main'])
  })

  it('folds a row of one cell into one line', () => {
    expect(foldTable(['NAME'], [['x']], 2)).toEqual([['NAME'], ['x']])
  })
})
