import type { BrandingRule } from '@slipway/contract/branding'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { splitList } from '../settings/split-list.ts'
import styles from './template-page.module.css'
import { useState } from 'react'

/** What is replaced by what, in this order. */
export function Rules({
  rules,
  editable,
  onChange,
}: {
  rules: readonly BrandingRule[]
  editable: boolean
  onChange: (rules: readonly BrandingRule[]) => void
}) {
  const put = (index: number, part: Partial<BrandingRule>) =>
    onChange(rules.map((rule, at) => (at === index ? { ...rule, ...part } : rule)))
  return (
    <Card
      title="Replacements"
      actions={
        editable && (
          <Button
            size="small"
            onClick={() => onChange([...rules, { pattern: '', replacement: '' }])}
          >
            Add rule
          </Button>
        )
      }
    >
      {rules.length === 0 && <Empty title="Nothing is replaced." />}
      {rules.length > 0 && (
        <div className={styles.heads} aria-hidden="true">
          <span>Look for</span>
          <span>Put there</span>
          <span>In files</span>
        </div>
      )}
      <ol className={styles.rules}>
        {rules.map((rule, index) => (
          <li key={index}>
            <input
              aria-label={`What rule ${index + 1} looks for`}
              placeholder="Look for"
              required
              readOnly={!editable}
              value={rule.pattern}
              onChange={(event) => put(index, { pattern: event.target.value })}
            />
            <input
              aria-label={`What rule ${index + 1} puts there`}
              placeholder="Put there"
              readOnly={!editable}
              value={rule.replacement}
              onChange={(event) => put(index, { replacement: event.target.value })}
            />
            <Files
              label={`Files of rule ${index + 1}`}
              files={rule.files ?? []}
              editable={editable}
              onChange={(files) => put(index, { files })}
            />
            <label>
              <input
                type="checkbox"
                disabled={!editable}
                checked={rule.use_regex ?? false}
                onChange={(event) => put(index, { use_regex: event.target.checked })}
              />{' '}
              expression
            </label>
            {editable && (
              <Button
                size="small"
                aria-label={`Remove rule ${index + 1}`}
                onClick={() => onChange(rules.filter((_, at) => at !== index))}
              >
                Remove
              </Button>
            )}
          </li>
        ))}
      </ol>
    </Card>
  )
}

/** Patterns of files: what is typed stays as it is typed, with the spaces between them. */
function Files({
  label,
  files,
  editable,
  onChange,
}: {
  label: string
  files: readonly string[]
  editable: boolean
  onChange: (files: string[]) => void
}) {
  const [typed, setTyped] = useState(files.join(' '))
  const shown = splitList(typed).join(' ') === files.join(' ') ? typed : files.join(' ')
  return (
    <input
      aria-label={label}
      placeholder="Files, as *.html; empty: all"
      readOnly={!editable}
      value={shown}
      onChange={(event) => {
        setTyped(event.target.value)
        onChange(splitList(event.target.value))
      }}
    />
  )
}
