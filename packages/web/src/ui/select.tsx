import styles from './select.module.css'

/** A list to choose from, beside a heading; in forms, `select` stands in a Field. */
export function Select({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: string
  /** Value and text of each. */
  options: readonly (readonly [value: string, text: string])[]
  onChange: (value: string) => void
}) {
  return (
    <select
      className={styles.select}
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  )
}
