import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { MissingPage } from '../../app/error-pages.tsx'
import { useSees } from '../../session/session.ts'
import { Page } from '../../ui/page.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { GithubRuns } from './github-runs.tsx'
import { Insights } from './insights.tsx'
import { OurRuns } from './our-runs.tsx'
import type { RepositoryTab } from './repository-search.ts'

const route = getRouteApi('/inside/repositories/$owner/$name')

/** One repository: what ran in it here and at GitHub, how long it takes and how often it fails. */
export function RepositoryPage() {
  const { owner, name } = route.useParams()
  const repository = `${owner}/${name}`
  const { tab = 'runs', page = 1, branch } = route.useSearch()
  const navigate = useNavigate()
  const list = {
    repository,
    branch,
    page,
    onPage: (next: number) => void navigate({ to: '.', search: (old) => ({ ...old, page: next }) }),
    onBranch: (next: string) =>
      void navigate({ to: '.', search: { tab, ...(next === '' ? {} : { branch: next }) } }),
  }
  if (!useSees(repository)) return <MissingPage />
  return (
    <Page title={repository}>
      <Tabs<RepositoryTab>
        label="Of this repository"
        value={tab}
        onChange={(next) => void navigate({ to: '.', search: { tab: next } })}
        tabs={[
          { name: 'runs', title: 'Runs', content: () => <OurRuns {...list} /> },
          { name: 'github', title: 'GitHub Actions', content: () => <GithubRuns {...list} /> },
          {
            name: 'insights',
            title: 'Insights',
            content: () => <Insights repository={repository} />,
          },
        ]}
      />
    </Page>
  )
}
