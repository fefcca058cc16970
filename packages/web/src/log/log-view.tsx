import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp, Clock, Download } from 'lucide-react'
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { LogLine } from './log-line.tsx'
import { findInLog, mostLines } from './log-lines.ts'
import type { LogSource } from './log-sources.ts'
import styles from './log-view.module.css'
import { useLog } from './use-log.ts'

/** Pixels; the same in the style sheet. For fingers a line is as high as what they can hit. */
const lineHeight = matchMedia('(pointer: coarse)').matches ? 24 : 19
/** Pixels from the end within which what comes is followed. */
const nearEnd = 60

/** A log, live while it is written: colours, search, times, links to lines, download. */
export function LogView({
  source,
  live,
  line,
  onLine,
}: {
  source: LogSource
  live: boolean
  /** The line that is linked to. */
  line: number | undefined
  onLine: (line: number) => void
}) {
  const { lines, error, readAgain } = useLog(source, live)
  const scroller = useRef<HTMLDivElement>(null)
  const [following, setFollowing] = useState(line === undefined && live)
  const [times, setTimes] = useState(false)
  const [words, setWords] = useState('')
  const [hit, setHit] = useState(0)
  const wanted = useDeferredValue(words)
  const texts = lines?.texts ?? []
  const count = texts.length
  // `count` says that the array, which grows in place, has changed.
  const hits = useMemo(() => findInLog(texts, wanted), [wanted, count])
  const chosen = hits.length === 0 ? -1 : ((hit % hits.length) + hits.length) % hits.length
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  })
  const shown = rows.getVirtualItems()
  // One number is reached by Tab, the others from it by the arrows.
  const [visited, setVisited] = useState(0)
  const tabStop = shown.some(({ index }) => index === visited) ? visited : shown[0]?.index
  const show = (index: number) => rows.scrollToIndex(index, { align: 'center' })

  const shownLink = useRef<number | undefined>(undefined)
  useEffect(() => {
    if (line === undefined || shownLink.current === line || count < line) return
    shownLink.current = line
    show(line - 1)
  })
  useEffect(() => {
    if (following && count > 0) rows.scrollToIndex(count - 1, { align: 'end' })
  }, [following, count])
  useEffect(() => {
    const at = hits[chosen]
    if (at !== undefined) show(at)
  }, [chosen, wanted])

  const digits = String(count).length
  return (
    <div className={styles.log}>
      <div className={styles.tools} role="toolbar" aria-label="Log">
        <input
          type="search"
          aria-label="Search in the log"
          placeholder="Search in the log"
          value={words}
          onChange={(event) => {
            setWords(event.target.value)
            setFollowing(false)
            setHit(0)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') setHit(hit + (event.shiftKey ? -1 : 1))
          }}
        />
        {wanted !== '' && (
          <>
            <span className={styles.hits} role="status">
              {hits.length === 0 ? 'not found' : `${chosen + 1} of ${hits.length}`}
            </span>
            <Button size="small" aria-label="Previous" onClick={() => setHit(hit - 1)}>
              <ArrowUp size={14} aria-hidden />
            </Button>
            <Button size="small" aria-label="Next" onClick={() => setHit(hit + 1)}>
              <ArrowDown size={14} aria-hidden />
            </Button>
          </>
        )}
        <span className={styles.count}>
          {count.toLocaleString()} {count === 1 ? 'line' : 'lines'}
        </span>
        <Button size="small" aria-pressed={times} onClick={() => setTimes(!times)}>
          <Clock size={14} aria-hidden /> Times
        </Button>
        {live && (
          <Button size="small" aria-pressed={following} onClick={() => setFollowing(!following)}>
            <ArrowDown size={14} aria-hidden /> Follow
          </Button>
        )}
        <a className={styles.download} href={source.download} download={source.fileName}>
          <Download size={14} aria-hidden /> Download
        </a>
      </div>
      {error !== null && (
        <Notice tone="bad" title="The log could not be read">
          <p>{error.message}</p>
          <Button size="small" onClick={readAgain}>
            Try again
          </Button>
        </Notice>
      )}
      <div
        ref={scroller}
        className={styles.scroller}
        tabIndex={0}
        role="log"
        aria-label="Log"
        aria-live="off"
        onWheel={(event) => {
          if (event.deltaY < 0) setFollowing(false)
        }}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          if (live && scrollHeight - scrollTop - clientHeight < nearEnd && wanted === '') {
            setFollowing(true)
          }
        }}
      >
        <div className={styles.lines} style={{ height: rows.getTotalSize() }}>
          {shown.map(({ index, start }) => (
            <div
              key={index}
              className={styles.line}
              data-linked={line === index + 1 || undefined}
              data-hit={hits[chosen] === index || undefined}
              style={{ transform: `translateY(${start}px)` }}
            >
              <button
                type="button"
                className={styles.number}
                aria-label={`Line ${index + 1}`}
                style={{ width: `${digits + 2}ch` }}
                tabIndex={index === tabStop ? 0 : -1}
                onFocus={() => setVisited(index)}
                onKeyDown={focusNeighbour}
                onClick={() => onLine(index + 1)}
              >
                {index + 1}
              </button>
              {times && <span className={styles.time}>{lines?.times[index]?.slice(11, 23)}</span>}
              <span className={styles.text} dir="auto">
                <LogLine text={texts[index] ?? ''} words={wanted} />
              </span>
            </div>
          ))}
        </div>
        {count === 0 && lines !== null && <p className={styles.none}>Nothing has been written.</p>}
        {count >= mostLines && (
          <p className={styles.none}>The rest is too long to be shown here: download it.</p>
        )}
      </div>
    </div>
  )
}

/** From the number of a line to that of the next or the former one; both are drawn, on the screen or near it. */
function focusNeighbour(event: KeyboardEvent<HTMLButtonElement>) {
  const line = event.currentTarget.parentElement
  const next =
    event.key === 'ArrowDown'
      ? line?.nextElementSibling
      : event.key === 'ArrowUp'
        ? line?.previousElementSibling
        : null
  const number = next?.querySelector('button')
  if (number === null || number === undefined) return
  event.preventDefault()
  number.focus()
}
