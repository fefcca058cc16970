import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMay } from '../../session/session.ts'
import { Page } from '../../ui/page.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { ClassesTab } from './classes-tab.tsx'
import { JobsTab } from './jobs-tab.tsx'
import type { JobsPart } from './jobs-search.ts'
import { RunnersTab } from './runners-tab.tsx'
import { WorkersTab } from './workers-tab.tsx'

const route = getRouteApi('/inside/jobs')

/** Jobs of GitHub Actions in containers of ours, what serves them, and Slipway's own workers. */
export function JobsPage() {
  const { tab = 'jobs', ...list } = route.useSearch()
  const may = useMay()
  const navigate = useNavigate()
  return (
    <Page title="Runners and jobs">
      <Tabs<JobsPart>
        label="Runners and jobs"
        value={tab}
        onChange={(next) => void navigate({ to: '/jobs', search: { tab: next } })}
        tabs={[
          { name: 'jobs', title: 'Jobs', content: () => <JobsTab {...list} /> },
          { name: 'classes', title: 'Classes', content: () => <ClassesTab /> },
          { name: 'runners', title: 'Runners', content: () => <RunnersTab /> },
          ...(may('workers:read')
            ? [{ name: 'workers' as const, title: 'Workers', content: () => <WorkersTab /> }]
            : []),
        ]}
      />
    </Page>
  )
}
