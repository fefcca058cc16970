import type { ReactNode } from 'react'
import styles from './figures.module.css'

/** A row of numbers with what they are. */
export function Figures({
  figures,
}: {
  figures: readonly { label: string; value: ReactNode; hint?: string }[]
}) {
  return (
    <dl className={styles.figures}>
      {figures.map(({ label, value, hint }) => (
        <div key={label} title={hint}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
