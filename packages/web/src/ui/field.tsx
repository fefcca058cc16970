import { type ReactNode, useId } from 'react'
import styles from './field.module.css'

/** A control with its label, a hint and what is wrong with it; the three are tied for assistive technology. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: ReactNode
  hint?: ReactNode
  problem?: string | undefined
  children: (control: {
    id: string
    'aria-describedby'?: string
    'aria-invalid'?: true
  }) => ReactNode
}) {
  const id = useId()
  const notes = [hint !== undefined && `${id}-hint`, problem !== undefined && `${id}-problem`]
  const described = notes.filter(Boolean).join(' ')
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        ...(described === '' ? {} : { 'aria-describedby': described }),
        ...(problem === undefined ? {} : { 'aria-invalid': true }),
      })}
      {hint !== undefined && (
        <small id={`${id}-hint`} className={styles.hint}>
          {hint}
        </small>
      )}
      {problem !== undefined && (
        <small id={`${id}-problem`} className={styles.problem} role="alert">
          {problem}
        </small>
      )}
    </div>
  )
}
