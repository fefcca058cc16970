import { Dialog } from '../ui/dialog.tsx'
import { usePlaces } from './navigation.ts'
import styles from './shortcuts-dialog.module.css'

const others = [
  ['/', 'Search, or go anywhere'],
  ['Ctrl K', 'The same'],
  ['?', 'This list'],
  ['Esc', 'Close what is open'],
] as const

export function ShortcutsDialog({
  open,
  onOpenChange,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  return (
    <Dialog title="Keyboard" open={open} onOpenChange={onOpenChange}>
      <dl className={styles.list}>
        {[...others, ...usePlaces().map(({ key, label }) => [`g ${key}`, label] as const)].map(
          ([keys, label]) => (
            <div key={keys}>
              <dt>
                {keys.split(' ').map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{label}</dd>
            </div>
          ),
        )}
      </dl>
    </Dialog>
  )
}
