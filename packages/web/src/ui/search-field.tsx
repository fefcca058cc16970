import { useEffect, useState } from 'react'
import styles from './search-field.module.css'

/** Milliseconds without typing before what is typed is searched for. */
const pauseMs = 250

/** What is typed is told after a pause; what comes from the address is shown. */
export function SearchField({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (text: string) => void
}) {
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  useEffect(() => {
    if (typed === value) return undefined
    const timer = setTimeout(() => onChange(typed), pauseMs)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <input
      type="search"
      className={styles.search}
      aria-label={label}
      placeholder={label}
      maxLength={140}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  )
}
