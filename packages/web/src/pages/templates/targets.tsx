import type { ConfigurationFormat, ConfigurationTarget } from '@slipway/contract/configurations'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import styles from './templates-page.module.css'

const formats: readonly ConfigurationFormat[] = ['env', 'json', 'yaml', 'toml']
const most = 20

/** The files that settings are merged into. */
export function Targets({
  targets,
  editable,
  problemAt,
  onChange,
}: {
  targets: readonly ConfigurationTarget[]
  editable: boolean
  problemAt: (index: number, part: 'path' | 'format') => string | undefined
  onChange: (targets: readonly ConfigurationTarget[]) => void
}) {
  const change = (index: number, part: Partial<ConfigurationTarget>) =>
    onChange(targets.map((target, at) => (at === index ? { ...target, ...part } : target)))
  return (
    <Card
      title="Files"
      actions={
        editable &&
        targets.length < most && (
          <Button size="small" onClick={() => onChange([...targets, { path: '', format: 'yaml' }])}>
            Add a file
          </Button>
        )
      }
    >
      {targets.length === 0 && (
        <p>
          Merged into <code>.env</code>, as env.
        </p>
      )}
      {targets.map((target, index) => (
        // A file has no name of its own but its place in the list.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className={styles.target}>
          <Field label={`File ${index + 1}`} problem={problemAt(index, 'path')}>
            {(control) => (
              <input
                {...control}
                required
                readOnly={!editable}
                maxLength={500}
                placeholder="config/app.yaml"
                value={target.path}
                onChange={(event) => change(index, { path: event.target.value })}
              />
            )}
          </Field>
          <Field label={`Written as ${index + 1}`} problem={problemAt(index, 'format')}>
            {(control) => (
              <select
                {...control}
                disabled={!editable}
                value={target.format}
                onChange={(event) =>
                  change(index, { format: event.target.value as ConfigurationFormat })
                }
              >
                {formats.map((format) => (
                  <option key={format} value={format}>
                    {format}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {editable && (
            <Button
              size="small"
              onClick={() => onChange(targets.filter((_, at) => at !== index))}
              aria-label={`Take out file ${index + 1}`}
            >
              Take out
            </Button>
          )}
        </div>
      ))}
    </Card>
  )
}
