export const settingsTabs = ['health', 'tokens', 'webhooks', 'secrets'] as const
export type SettingsTab = (typeof settingsTabs)[number]

/** What the address of the settings says. */
export function settingsSearch(search: Record<string, unknown>): { tab?: SettingsTab } {
  const tab = settingsTabs.find((name) => name === search.tab)
  return tab === undefined ? {} : { tab }
}
