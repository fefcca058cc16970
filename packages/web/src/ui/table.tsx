import type { ReactNode } from 'react'
import styles from './table.module.css'

export interface Column<Row> {
  /** Its heading; for people who cannot see it too. */
  title: string
  cell: (row: Row) => ReactNode
  /** Numbers and times stand to the right. */
  align?: 'end'
  /** Names and words that are short by nature: on one line, and cut where they are not short after all. */
  short?: true
}

/** A table that becomes a list of labelled values where there is no room for columns. */
export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
}: {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
}) {
  return (
    <table className={styles.table} aria-label={label}>
      <thead>
        <tr>
          {columns.map(({ title, align }) => (
            <th key={title} scope="col" className={align && styles.end}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ title, cell, align, short }) => (
              <td
                key={title}
                data-title={title}
                className={(align && styles.end) ?? (short && styles.short)}
              >
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
