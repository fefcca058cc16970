import { getRouteApi } from '@tanstack/react-router'
import { Page } from '../../ui/page.tsx'
import { RepositoryTable } from '../overview/repository-table.tsx'

const route = getRouteApi('/inside/repositories')

/** Every repository that Slipway runs or watches. */
export function RepositoriesPage() {
  const { search, page } = route.useSearch()
  return (
    <Page title="Repositories">
      <RepositoryTable search={search} page={page ?? 1} />
    </Page>
  )
}
