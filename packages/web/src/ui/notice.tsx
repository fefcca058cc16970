import type { ReactNode } from 'react'
import styles from './notice.module.css'

/** Something that whoever is here has to know, in its place on the page. */
export function Notice({
  tone = 'idle',
  title,
  children,
}: {
  tone?: 'idle' | 'bad' | 'wait' | 'good'
  title?: ReactNode
  children?: ReactNode
}) {
  return (
    <div className={`${styles.notice} ${styles[tone]}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {title !== undefined && <strong>{title}</strong>}
      {children}
    </div>
  )
}

/** What stands where a list has nothing in it, and what to do about it. */
export function Empty({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <strong>{title}</strong>
      {children}
    </div>
  )
}
