import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useDeferredValue, useId, useState } from 'react'
import { api } from '../api/client.ts'
import { useMay } from '../session/session.ts'
import { Dialog } from '../ui/dialog.tsx'
import styles from './command-palette.module.css'
import { usePlaces } from './navigation.ts'

interface Entry {
  id: string
  label: string
  hint: string
  to: string
}

/** Goes to any place, repository or run by its name; what is typed is also searched in runs and logs. */
export function CommandPalette({
  open,
  onOpenChange,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  return (
    <Dialog title="Search or go to" open={open} onOpenChange={onOpenChange}>
      <Palette close={() => onOpenChange(false)} />
    </Dialog>
  )
}

function Palette({ close }: { close: () => void }) {
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const listId = useId()
  const entries = useEntries(useDeferredValue(typed.trim()))
  const chosen = Math.min(at, entries.length - 1)
  const go = (entry: Entry | undefined) => {
    if (entry === undefined) return
    close()
    void navigate({ to: entry.to })
  }
  return (
    <div className={styles.palette}>
      <input
        autoFocus
        role="combobox"
        aria-label="Search or go to"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={entries[chosen] && `${listId}-${chosen}`}
        placeholder="A place, a repository, text of a run or log"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value)
          setAt(0)
        }}
        onKeyDown={(event) => {
          const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
          if (step !== undefined) {
            event.preventDefault()
            setAt((chosen + step + entries.length) % Math.max(1, entries.length))
          } else if (event.key === 'Enter') go(entries[chosen])
        }}
      />
      <ul id={listId} role="listbox" aria-label="Results">
        {entries.map((entry, index) => (
          <li
            key={entry.id}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseMove={() => setAt(index)}
            onClick={() => go(entry)}
          >
            <span dir="auto">{entry.label}</span>
            <small>{entry.hint}</small>
          </li>
        ))}
        {entries.length === 0 && <li className={styles.none}>Nothing has that in it.</li>}
      </ul>
    </div>
  )
}

const most = 8

function useEntries(text: string): Entry[] {
  const places = usePlaces()
  const may = useMay()
  const found = useQuery({
    queryKey: ['search', text],
    queryFn: ({ signal }) => api.search.find({ q: text, limit: most }, { signal }),
    enabled: text.length >= 3 && may('search:read'),
  })
  const matches = (label: string) => label.toLowerCase().includes(text.toLowerCase())
  const results = text.length >= 3 ? (found.data?.results ?? []) : []
  return [
    ...places
      .filter(({ label }) => matches(label))
      .map(({ path, label, key }) => ({ id: path, label, hint: `g ${key}`, to: path })),
    ...results.flatMap((result) =>
      result.run_id === undefined
        ? []
        : [
            {
              id: result.path,
              label: result.excerpt,
              hint: `${result.kind} · ${result.repository}`,
              to: `/runs/${result.run_id}`,
            },
          ],
    ),
  ]
}
