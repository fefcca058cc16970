import { useQuery } from '@tanstack/react-query'
import { api } from '../../api/client.ts'
import { Card } from '../../ui/card.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Status } from '../../ui/status.tsx'
import { Table } from '../../ui/table.tsx'

/** Milliseconds between two questions: nothing announces that a part has failed. */
const everyMs = 5000

/** The parts that the server depends on. */
export function HealthTab() {
  const health = useQuery({
    queryKey: ['settings', 'health'],
    queryFn: ({ signal }) => api.health({ signal }),
    refetchInterval: everyMs,
  })
  return (
    <Card title="Health">
      <QueryView query={health}>
        {({ status, checks }) => (
          <>
            <p>
              <Status value={status === 'healthy' ? 'success' : 'failed'} label={status} />
            </p>
            <Table
              label="Checks"
              rows={Object.entries(checks)}
              keyOf={([name]) => name}
              columns={[
                { title: 'Part', cell: ([name]) => name.replaceAll('_', ' ') },
                { title: 'State', cell: ([, state]) => <Status value={state} /> },
              ]}
            />
          </>
        )}
      </QueryView>
      <p>
        More is at <a href="/docs">the API’s description</a>, and in figures at{' '}
        <code>/metrics</code>.
      </p>
    </Card>
  )
}
