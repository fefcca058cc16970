import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { api } from '../../api/client.ts'
import { Card } from '../../ui/card.tsx'
import { Page } from '../../ui/page.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { RunTable } from './run-table.tsx'

const route = getRouteApi('/inside/repositories/$')

/** One repository: what has run in it. */
export function RepositoryPage() {
  const { _splat: repository = '' } = route.useParams()
  const runs = useQuery({
    queryKey: ['runs', repository],
    queryFn: ({ signal }) => api.runs.list({ repository, limit: 50 }, { signal }),
  })
  return (
    <Page title={repository}>
      <Card title="Runs">
        <QueryView query={runs}>{({ runs: rows }) => <RunTable runs={rows} />}</QueryView>
      </Card>
    </Page>
  )
}
