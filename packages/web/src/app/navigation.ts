import {
  Activity,
  Boxes,
  GitBranch,
  Hammer,
  LayoutDashboard,
  type LucideIcon,
  Rocket,
  Server,
  Settings,
} from 'lucide-react'

/** A place of the dashboard, in the order of the menu. */
export interface Place {
  path: string
  label: string
  icon: LucideIcon
  /** Typed after `g`. */
  key: string
}

export const places: readonly Place[] = [
  { path: '/', label: 'Overview', icon: LayoutDashboard, key: 'o' },
  { path: '/repositories', label: 'Repositories', icon: GitBranch, key: 'r' },
  { path: '/board', label: 'Releases', icon: Rocket, key: 'd' },
  { path: '/builds', label: 'Builds', icon: Hammer, key: 'b' },
  { path: '/templates', label: 'Templates', icon: Boxes, key: 't' },
  { path: '/jobs', label: 'Runners and jobs', icon: Server, key: 'j' },
  { path: '/activity', label: 'Activity', icon: Activity, key: 'a' },
  { path: '/settings', label: 'Settings', icon: Settings, key: 's' },
]
