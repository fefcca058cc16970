import { useQuery } from '@tanstack/react-query'
import type { RunnerClassInfo } from '@slipway/contract/runners'
import { api } from '../../api/client.ts'
import { formatBytes } from '../../format/numbers.ts'
import { formatDuration } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import styles from './jobs-page.module.css'

const places: Readonly<Record<RunnerClassInfo['executor'], string>> = {
  docker: 'Docker',
  kubernetes: 'Kubernetes',
}

const columns: readonly Column<RunnerClassInfo>[] = [
  { title: 'Class', cell: (row) => <strong>{row.name}</strong>, short: true },
  { title: 'Labels', cell: (row) => <span dir="auto">{row.labels.join(', ')}</span> },
  {
    title: 'In use',
    cell: (row) => (
      <span className={styles.use}>
        {row.active} of {row.maxRunners}
        <meter
          aria-label={`Use of ${row.name}`}
          max={row.maxRunners}
          value={row.active}
          high={row.maxRunners * 0.9}
        />
      </span>
    ),
  },
  { title: 'Waiting', cell: (row) => row.queued, align: 'end' },
  { title: 'Runs in', cell: (row) => places[row.executor], short: true },
  { title: 'Kept warm', cell: (row) => row.warm, align: 'end' },
  { title: 'Image', cell: (row) => <code>{row.image}</code> },
  { title: 'Limits', cell: (row) => limitsOf(row) },
]

/** What serves jobs with which labels, and how much of it is in use. */
export function ClassesTab() {
  const classes = useQuery({
    queryKey: ['runners', 'classes'],
    queryFn: ({ signal }) => api.runners.classes({ signal }),
  })
  return (
    <Card title="Runner classes">
      <QueryView query={classes}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title="No class is configured.">
              <p>
                They are <code>runners.classes</code> in <code>slipway.yaml</code>.
              </p>
            </Empty>
          ) : (
            <Table label="Runner classes" columns={columns} rows={rows} keyOf={(row) => row.name} />
          )
        }
      </QueryView>
    </Card>
  )
}

function limitsOf({ limits }: RunnerClassInfo): string {
  return [
    limits.memoryBytes === null ? null : formatBytes(limits.memoryBytes),
    limits.cpus === null ? null : `${limits.cpus} cores`,
    formatDuration(limits.timeoutMs),
  ]
    .filter((limit) => limit !== null)
    .join(', ')
}
