import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { BrandingRule } from '@slipway/contract/branding'
import { useEffect, useState } from 'react'
import { api } from '../../api/client.ts'
import { Card } from '../../ui/card.tsx'
import { Figures } from '../../ui/figures.tsx'
import { Notice } from '../../ui/notice.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Select } from '../../ui/select.tsx'
import styles from './template-page.module.css'

/** Milliseconds without a change before it is tried. */
const pauseMs = 600

/** What the rules, as they are on the page, would do to a repository: tried again at each change, and never stored. */
export function Preview({
  templateId,
  rules,
  brand,
}: {
  templateId: number
  rules: readonly BrandingRule[]
  brand: string
}) {
  const [repository, setRepository] = useState('')
  const complete = rules.filter((rule) => rule.pattern !== '')
  const [tried, setTried] = useState({ rules: complete, brand })
  const wanted = JSON.stringify({ rules: complete, brand })
  useEffect(() => {
    const timer = setTimeout(() => setTried(JSON.parse(wanted) as typeof tried), pauseMs)
    return () => clearTimeout(timer)
  }, [wanted])
  const sources = useQuery({
    queryKey: ['builds', 'sources'],
    queryFn: ({ signal }) => api.repositories.list({ limit: 100 }, { signal }),
  })
  const preview = useQuery({
    queryKey: ['builds', 'preview', templateId, repository, tried],
    queryFn: ({ signal }) =>
      api.branding.preview(
        templateId,
        {
          replacement_rules: tried.rules,
          brand_name: tried.brand.trim() === '' ? null : tried.brand.trim(),
          ...(repository === '' ? {} : { repository_id: Number(repository) }),
        },
        { signal },
      ),
    enabled: repository !== '',
    placeholderData: keepPreviousData,
  })
  const options = [
    ['', 'choose a repository'],
    ...(sources.data?.repositories.map((one) => [String(one.id), one.name] as const) ?? []),
  ] as const
  return (
    <Card
      title="Preview"
      actions={<Select label="Of" value={repository} options={options} onChange={setRepository} />}
    >
      {repository === '' ? (
        <p>Choose a repository to see what would change in it.</p>
      ) : (
        <QueryView query={preview}>
          {(data) => (
            <div className={styles.preview} aria-busy={preview.isFetching}>
              <Figures
                figures={[
                  { label: 'Files looked at', value: data.files_scanned },
                  { label: 'Files that change', value: data.files_changed },
                  { label: 'Replacements', value: data.replacements },
                ]}
              />
              {data.warnings.map((warning) => (
                <Notice key={warning} tone="wait" title={warning} />
              ))}
              {data.files.map((file) => (
                <details key={file.path} open>
                  <summary>
                    {file.path} ({file.replacements})
                  </summary>
                  <pre tabIndex={0}>
                    {file.diff.split('\n').map((text, index) => (
                      <span key={index} className={styles[kindOf(text)]}>
                        {text}
                      </span>
                    ))}
                  </pre>
                </details>
              ))}
            </div>
          )}
        </QueryView>
      )}
    </Card>
  )
}

function kindOf(line: string): 'added' | 'removed' | 'same' {
  if (line.startsWith('+') && !line.startsWith('+++')) return 'added'
  return line.startsWith('-') && !line.startsWith('---') ? 'removed' : 'same'
}
