import { type ReactNode, useEffect } from 'react'
import styles from './page.module.css'

/** The frame of every page: its one h1, which is also the title of the window. */
export function Page({
  title,
  heading,
  subtitle,
  actions,
  children,
}: {
  title: string
  /** Default: `title`. */
  heading?: ReactNode
  subtitle?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Slipway`
  }, [title])
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <div className={styles.titles}>
          <h1 dir="auto">{heading ?? title}</h1>
          {subtitle !== undefined && <div className={styles.subtitle}>{subtitle}</div>}
        </div>
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  )
}
