import { CircleAlert, CircleCheck, CircleDashed, CircleDot, CircleSlash, Clock } from 'lucide-react'
import styles from './status.module.css'

type Tone = 'good' | 'bad' | 'busy' | 'wait' | 'idle'

/** Every status word of the four families, by what it means to whoever looks. */
const tones: Readonly<Record<string, Tone>> = {
  success: 'good',
  completed: 'good',
  active: 'good',
  online: 'good',
  pass: 'good',
  failed: 'bad',
  failure: 'bad',
  error: 'bad',
  timed_out: 'bad',
  offline: 'bad',
  fail: 'bad',
  expired: 'bad',
  running: 'busy',
  in_progress: 'busy',
  assigned: 'busy',
  busy: 'busy',
  waiting: 'wait',
  action_required: 'wait',
}

const icons: Readonly<Record<Tone, typeof CircleCheck>> = {
  good: CircleCheck,
  bad: CircleAlert,
  busy: CircleDot,
  wait: Clock,
  idle: CircleDashed,
}

/** What is idle for a reason of its own: only what waits for somebody asks for attention by its colour. */
const ownIcons: Readonly<Record<string, typeof CircleCheck>> = {
  pending: Clock,
  queued: Clock,
  cancelled: CircleSlash,
  skipped: CircleSlash,
}

function toneOf(status: string): Tone {
  return tones[status] ?? 'idle'
}

/** A status in its word, colour and icon: never by colour alone. */
export function Status({
  value,
  label,
  compact = false,
}: {
  value: string
  label?: string
  /** The icon alone, for those who see it. */
  compact?: boolean
}) {
  const tone = toneOf(value)
  const Icon = ownIcons[value] ?? icons[tone]
  return (
    <span
      className={`${compact ? styles.compact : styles.status} ${styles[tone]}`}
      data-status={value}
    >
      <Icon size={compact ? 16 : 14} aria-hidden />
      <span className={compact ? 'visually-hidden' : undefined}>
        {label ?? value.replaceAll('_', ' ')}
      </span>
    </span>
  )
}
