export const settingsTabs = ['health', 'tokens', 'webhooks', 'secrets', 'retention'] as const
export type SettingsTab = (typeof settingsTabs)[number]

/** What the address of the settings says. */
export function settingsSearch(search: Record<string, unknown>): SettingsSearch {
  const tab = settingsTabs.find((name) => name === search.tab)
  const { role } = search
  return {
    ...(tab === undefined ? {} : { tab }),
    ...(typeof role === 'string' && tab === 'tokens' ? { role } : {}),
  }
}

export interface SettingsSearch {
  tab?: SettingsTab
  /** Tokens that are shown. */
  role?: string
}
