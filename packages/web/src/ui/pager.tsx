import { Button } from './button.tsx'
import styles from './pager.module.css'

/** Back and on through a list; not there where all of it is on the first page. */
export function Pager({
  page,
  more,
  onPage,
}: {
  /** From 1. */
  page: number
  more: boolean
  onPage: (page: number) => void
}) {
  if (page === 1 && !more) return null
  return (
    <nav className={styles.pager} aria-label="Pages">
      <Button size="small" disabled={page === 1} onClick={() => onPage(page - 1)}>
        Previous
      </Button>
      <span>Page {page}</span>
      <Button size="small" disabled={!more} onClick={() => onPage(page + 1)}>
        Next
      </Button>
    </nav>
  )
}
