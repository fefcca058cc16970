import { useState } from 'react'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Select } from '../../ui/select.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import styles from './event-feed.module.css'
import { describeEvent } from './describe-event.ts'
import { useNewestEvents } from './use-newest-events.ts'

const families = [
  'pipeline',
  'release',
  'approval',
  'deployment',
  'workflow',
  'build',
  'runner',
  'webhook',
]

/** What happened last, and what happens, as it happens. */
export function EventFeed() {
  const [family, setFamily] = useState('')
  const events = useNewestEvents(family)
  return (
    <Card
      title="Now"
      actions={
        <Select
          label="Events of"
          value={family}
          options={[['', 'everything'], ...families.map((name) => [name, name] as const)]}
          onChange={setFamily}
        />
      }
    >
      {events === null ? (
        <Skeleton lines={6} />
      ) : events.length === 0 ? (
        <Empty title={`Nothing ${family === '' ? '' : 'of this kind '}has happened yet.`}>
          <p>It appears here by itself.</p>
        </Empty>
      ) : (
        <ol className={styles.feed} aria-label="Events, the newest first" tabIndex={0}>
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
