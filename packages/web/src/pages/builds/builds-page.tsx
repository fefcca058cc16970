import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMay } from '../../session/session.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { Page } from '../../ui/page.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import type { ReactNode } from 'react'
import { BuildsTab } from './builds-tab.tsx'
import type { BuildsPart } from './builds-search.ts'
import { CredentialsTab } from './credentials-tab.tsx'
import { RegistriesTab } from './registries-tab.tsx'
import { SourcesTab } from './sources-tab.tsx'
import { StatisticsTab } from './statistics-tab.tsx'

const route = getRouteApi('/inside/builds')

const parts = {
  builds: { title: 'Builds', permission: 'builds:read' },
  statistics: { title: 'Statistics', permission: 'builds:read' },
  repositories: { title: 'Repositories', permission: 'repositories:read' },
  registries: { title: 'Registries', permission: 'registries:read' },
  credentials: { title: 'Credentials', permission: 'credentials:read' },
} as const

/** Custom packages and images, and what they are made from and pushed to. */
export function BuildsPage() {
  const { tab = 'builds', ...list } = route.useSearch()
  const may = useMay()
  const navigate = useNavigate()
  const contents: Record<BuildsPart, () => ReactNode> = {
    builds: () => <BuildsTab {...list} />,
    statistics: () => <StatisticsTab />,
    repositories: () => <SourcesTab />,
    registries: () => <RegistriesTab />,
    credentials: () => <CredentialsTab />,
  }
  const names = Object.keys(parts) as BuildsPart[]
  return (
    <Page
      title="Builds"
      actions={
        may('builds:create') && (
          <LinkButton to="/builds/new" tone="primary">
            New build
          </LinkButton>
        )
      }
    >
      <Tabs<BuildsPart>
        label="Builds"
        value={tab}
        onChange={(next) => void navigate({ to: '/builds', search: { tab: next } })}
        tabs={names
          .filter((name) => may(parts[name].permission))
          .map((name) => ({ name, title: parts[name].title, content: contents[name] }))}
      />
    </Page>
  )
}
