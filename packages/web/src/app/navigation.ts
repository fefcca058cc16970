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
import { useMay } from '../session/session.ts'

/** A place of the dashboard, in the order of the menu. */
export interface Place {
  path: string
  label: string
  icon: LucideIcon
  /** Typed after `g`. */
  key: string
  /** Without which there is nothing to see. */
  permission?: string
}

const places: readonly Place[] = [
  { path: '/', label: 'Overview', icon: LayoutDashboard, key: 'o' },
  {
    path: '/repositories',
    label: 'Repositories',
    icon: GitBranch,
    key: 'r',
    permission: 'runs:read',
  },
  { path: '/board', label: 'Releases', icon: Rocket, key: 'd', permission: 'deployments:read' },
  { path: '/builds', label: 'Builds', icon: Hammer, key: 'b', permission: 'builds:read' },
  { path: '/templates', label: 'Templates', icon: Boxes, key: 't', permission: 'branding:read' },
  {
    path: '/jobs',
    label: 'Runners and jobs',
    icon: Server,
    key: 'j',
    permission: 'delegations:read',
  },
  { path: '/activity', label: 'Activity', icon: Activity, key: 'a', permission: 'events:read' },
  { path: '/settings', label: 'Settings', icon: Settings, key: 's' },
]

/** The places where whoever is signed in has something to see. */
export function usePlaces(): readonly Place[] {
  const may = useMay()
  return places.filter(({ permission }) => permission === undefined || may(permission))
}
