import { useQuery } from '@tanstack/react-query'
import type { RetentionPart, RetentionTime } from '@slipway/contract/retention'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { formatBytes } from '../../format/numbers.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { RetentionDialog } from './retention-dialog.tsx'
import styles from './settings.module.css'

/** Milliseconds between two questions: passes announce nothing. */
const everyMs = 60_000

const columns: readonly Column<RetentionTime>[] = [
  {
    title: 'What',
    cell: (time) => (
      <>
        <strong>{time.kind}</strong> <span className={styles.soft}>{time.description}</span>
      </>
    ),
  },
  { title: 'Kept for', cell: (time) => <Kept time={time} /> },
  { title: 'Now', cell: (time) => <Parts time={time} show={amountOf} />, align: 'end' },
  {
    title: 'Last pass',
    cell: (time) => <Parts time={time} show={(part) => <LastPass part={part} />} />,
    align: 'end',
  },
]

/** For how long finished things are kept, how much there is of them, and what went last. */
export function RetentionTab() {
  const may = useMay()
  const [changing, setChanging] = useState(false)
  const retention = useQuery({
    queryKey: ['settings', 'retention'],
    queryFn: ({ signal }) => api.retention.read({ signal }),
    refetchInterval: everyMs,
  })
  return (
    <Card
      title="Retention"
      actions={
        may('retention:manage') && (
          <Button
            size="small"
            disabled={retention.data === undefined}
            onClick={() => setChanging(true)}
          >
            Change
          </Button>
        )
      }
    >
      <QueryView query={retention} lines={6}>
        {({ retention: times, environments }) => (
          <>
            <Table label="Retention" columns={columns} rows={times} keyOf={({ kind }) => kind} />
            <p className={styles.soft}>
              Logs of runs whose release was deployed are kept longer:{' '}
              {environments.map(({ name, logs_days: days }) => `${name} ${days} d`).join(', ')}, but
              never longer than their run. What is over is removed once an hour, and cannot be
              brought back.
            </p>
            {changing && <RetentionDialog times={times} onClose={() => setChanging(false)} />}
          </>
        )}
      </QueryView>
    </Card>
  )
}

function Kept({ time }: { time: RetentionTime }) {
  return (
    <>
      <strong>{time.kept}</strong>{' '}
      <span className={styles.soft}>
        {time.source === 'changed' && (
          <>
            by <span dir="auto">{time.changed_by}</span>, <TimeAgo at={time.changed_at} />
          </>
        )}
        {time.source === 'default' && 'by default'}
        {time.source === 'file' && 'set in slipway.yaml'}
        {time.source === 'built-in' && 'everywhere'}
      </span>
    </>
  )
}

function Parts({
  time,
  show,
}: {
  time: RetentionTime
  show: (part: RetentionPart) => React.ReactNode
}) {
  return (
    <ul className={styles.parts}>
      {time.parts.map((part) => (
        <li key={part.what}>{show(part)}</li>
      ))}
    </ul>
  )
}

function amountOf({ what, rows, estimated, bytes }: RetentionPart): string {
  const count = rows === null ? 'many' : `${estimated ? 'about ' : ''}${rows.toLocaleString()}`
  return `${count} ${what}${bytes === null ? '' : `, ${formatBytes(bytes)}`}`
}

function LastPass({ part }: { part: RetentionPart }) {
  if (part.last_pass === null) return <span>not yet</span>
  return (
    <span>
      {part.last_pass.removed.toLocaleString()} removed, <TimeAgo at={part.last_pass.ended_at} />
    </span>
  )
}
