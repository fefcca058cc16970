import { Tabs as Primitive } from 'radix-ui'
import type { ReactNode } from 'react'
import { Empty } from './notice.tsx'
import styles from './tabs.module.css'

/** Where there is no room for all tabs, the one that is shown can be seen. */
function showWhole(tab: HTMLElement | null): void {
  tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

/** Parts of a page of which one is shown; the address says which, the first where there is no such part. */
export function Tabs<Name extends string>({
  label,
  value,
  onChange,
  tabs,
}: {
  label: string
  value: Name
  onChange: (value: Name) => void
  tabs: readonly { name: Name; title: ReactNode; content: () => ReactNode }[]
}) {
  const [first] = tabs
  if (first === undefined) return <Empty title="This is not shown to you." />
  const shown = tabs.some(({ name }) => name === value) ? value : first.name
  return (
    <Primitive.Root value={shown} onValueChange={(next) => onChange(next as Name)}>
      <Primitive.List className={styles.list} aria-label={label}>
        {tabs.map(({ name, title }) => (
          <Primitive.Trigger
            key={name}
            value={name}
            className={styles.tab}
            ref={name === shown ? showWhole : null}
          >
            {title}
          </Primitive.Trigger>
        ))}
      </Primitive.List>
      {tabs.map(({ name, content }) => (
        <Primitive.Content key={name} value={name} className={styles.content}>
          {name === shown && content()}
        </Primitive.Content>
      ))}
    </Primitive.Root>
  )
}
