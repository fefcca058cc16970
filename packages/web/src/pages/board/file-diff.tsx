import { diffLines } from 'diff'
import { useMemo } from 'react'
import styles from './deploy-dialog.module.css'

/** Unchanged lines that are shown around a change. */
const around = 3

/** What becomes of one file, line by line. */
export function FileDiff({
  path,
  before,
  after,
}: {
  path: string
  /** Null: there is no such file yet. */
  before: string | null
  after: string
}) {
  const parts = useMemo(() => diffLines(before ?? '', after), [before, after])
  const changed = parts.some(({ added, removed }) => added || removed)
  return (
    <details className={styles.diff} open={changed}>
      <summary>
        {path}
        {before === null && ' (new)'}
        {!changed && ' (as it is)'}
      </summary>
      {changed && (
        <pre tabIndex={0}>
          {parts.flatMap((part, index) => {
            const kind = part.added ? 'added' : part.removed ? 'removed' : 'same'
            const sign = { added: '+', removed: '-', same: ' ' }[kind]
            const lines = part.value.replace(/\n$/, '').split('\n')
            return shorten(lines, kind === 'same').map((line, at) => (
              <span key={`${index} ${at}`} className={styles[kind]}>
                {sign} {line}
              </span>
            ))
          })}
        </pre>
      )}
    </details>
  )
}

function shorten(lines: readonly string[], same: boolean): readonly string[] {
  if (!same || lines.length <= 2 * around + 1) return lines
  const left = lines.length - 2 * around
  return [...lines.slice(0, around), `… ${left} lines as they are …`, ...lines.slice(-around)]
}
