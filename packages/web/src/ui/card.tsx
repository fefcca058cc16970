import type { ReactNode } from 'react'
import styles from './card.module.css'

/** A part of a page with a heading of its own. */
export function Card({
  title,
  actions,
  children,
  id,
}: {
  title?: ReactNode
  actions?: ReactNode
  children: ReactNode
  id?: string
}) {
  return (
    <section className={styles.card} id={id}>
      {title !== undefined && (
        <header className={styles.head}>
          <h2>{title}</h2>
          {actions !== undefined && <div className={styles.actions}>{actions}</div>}
        </header>
      )}
      {children}
    </section>
  )
}
