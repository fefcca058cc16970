import { Monitor, Moon, Sun } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { type Theme, useTheme } from './theme.ts'

const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const icons = { system: Monitor, light: Sun, dark: Moon }

/** One button: as the system has it, light, dark. */
export function ThemeMenu() {
  const [theme, setTheme] = useTheme()
  const Icon = icons[theme]
  return (
    <Button
      tone="quiet"
      size="small"
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}`}
      onClick={() => setTheme(next[theme])}
    >
      <Icon size={18} aria-hidden />
    </Button>
  )
}
