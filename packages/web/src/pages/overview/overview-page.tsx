import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { api } from '../../api/client.ts'
import { Card } from '../../ui/card.tsx'
import { Page } from '../../ui/page.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { DeploymentList } from './deployment-list.tsx'
import styles from './overview-page.module.css'
import { RedList } from './red-list.tsx'
import { RepositoryTable } from './repository-table.tsx'
import { WaitingList } from './waiting-list.tsx'

const route = getRouteApi('/inside/')

/** What is red and since when, what waits for an approval, what was deployed, and every repository. */
export function OverviewPage() {
  const { search, page } = route.useSearch()
  const red = useQuery({
    queryKey: ['overview', 'red'],
    queryFn: ({ signal }) => api.overview.red({ signal }),
  })
  const waiting = useQuery({
    queryKey: ['overview', 'waiting'],
    queryFn: ({ signal }) => api.overview.waitingForMe({ signal }),
  })
  const deployments = useQuery({
    queryKey: ['overview', 'deployments'],
    queryFn: ({ signal }) => api.deployments.list({ limit: 5 }, { signal }),
  })
  return (
    <Page title="Overview">
      <div className={styles.columns}>
        <Card title="Red now">
          <QueryView query={red}>{(rows) => <RedList red={rows} />}</QueryView>
        </Card>
        <Card title="Waiting for me">
          <QueryView query={waiting}>{(all) => <WaitingList waiting={all} />}</QueryView>
        </Card>
        <Card title="Recent deployments">
          <QueryView query={deployments}>
            {({ deployments: rows }) => <DeploymentList deployments={rows} />}
          </QueryView>
        </Card>
      </div>
      <RepositoryTable search={search} page={page ?? 1} />
    </Page>
  )
}
