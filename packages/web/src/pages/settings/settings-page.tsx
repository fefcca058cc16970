import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMay } from '../../session/session.ts'
import { Page } from '../../ui/page.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { HealthTab } from './health-tab.tsx'
import { RetentionTab } from './retention-tab.tsx'
import { SecretsTab } from './secrets-tab.tsx'
import { type SettingsTab, settingsTabs } from './settings-search.ts'
import { TokensTab } from './tokens-tab.tsx'
import { WebhooksTab } from './webhooks-tab.tsx'

const route = getRouteApi('/inside/settings')

const parts = {
  health: { title: 'Health', permission: null, content: () => <HealthTab /> },
  tokens: {
    title: 'Tokens',
    permission: 'tokens:manage',
    content: (role?: string) => <TokensTab role={role} />,
  },
  webhooks: { title: 'Webhooks', permission: 'webhooks:read', content: () => <WebhooksTab /> },
  retention: { title: 'Retention', permission: 'retention:read', content: () => <RetentionTab /> },
  secrets: { title: 'Secrets', permission: 'secrets:read', content: () => <SecretsTab /> },
} as const

/** What the server is told from here; the rest is in its settings and `slipway.yaml`. */
export function SettingsPage() {
  const { tab = 'health', role } = route.useSearch()
  const may = useMay()
  const navigate = useNavigate()
  const tabs = settingsTabs
    .map((name) => ({ name, ...parts[name], content: () => parts[name].content(role) }))
    .filter(({ permission }) => permission === null || may(permission))
  return (
    <Page title="Settings">
      <Tabs<SettingsTab>
        label="Settings"
        value={tab}
        onChange={(next) => void navigate({ to: '/settings', search: { tab: next } })}
        tabs={tabs}
      />
    </Page>
  )
}
