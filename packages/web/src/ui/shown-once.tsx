import { Button } from './button.tsx'
import { Notice } from './notice.tsx'
import styles from './shown-once.module.css'
import { useToast } from './toast.tsx'

/** A secret that is shown this once, to be copied. */
export function ShownOnce({ title, secret }: { title: string; secret: string }) {
  const say = useToast()
  const copy = () =>
    void navigator.clipboard.writeText(secret).then(
      () => say('good', 'Copied.'),
      () => say('bad', 'The browser does not let this page copy: select it.'),
    )
  return (
    <div className={styles.once}>
      <Notice tone="good" title={title}>
        <p>It is shown this once. Copy it now.</p>
        <span className={styles.secret}>
          <code>{secret}</code>
          <Button size="small" onClick={copy}>
            Copy
          </Button>
        </span>
      </Notice>
    </div>
  )
}
