import type { FollowedEvent } from '@slipway/sdk'
import { useCallback, useState } from 'react'
import { useEvents } from '../../app/live-provider.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Select } from '../../ui/select.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import styles from './event-feed.module.css'
import { describeEvent } from './describe-event.ts'

/** Events that are kept on the page. */
const most = 100
const families = ['pipeline', 'release', 'approval', 'deployment', 'workflow', 'build', 'runner']

/** What happens, as it happens. */
export function EventFeed() {
  const [family, setFamily] = useState('')
  const [events, setEvents] = useState<readonly FollowedEvent[]>([])
  useEvents(
    useCallback(
      (event) => {
        if (!event.event.event_type.startsWith(family)) return
        setEvents((shown) => [event, ...shown].slice(0, most))
      },
      [family],
    ),
  )
  return (
    <Card
      title="Now"
      actions={
        <Select
          label="Events of"
          value={family}
          options={[['', 'everything'], ...families.map((name) => [name, name] as const)]}
          onChange={(chosen) => {
            setFamily(chosen)
            setEvents([])
          }}
        />
      }
    >
      {events.length === 0 ? (
        <Empty title="Nothing has happened since this page was opened.">
          <p>It appears here by itself.</p>
        </Empty>
      ) : (
        <ol className={styles.feed} aria-label="Events, the newest first">
          {events.map(({ id, event }) => (
            <li key={id}>
              <code>{event.event_type}</code>
              <span dir="auto">{describeEvent(event)}</span>
              <TimeAgo at={event.timestamp} />
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}
