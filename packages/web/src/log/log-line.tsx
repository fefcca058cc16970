import Anser from 'anser'
import { memo } from 'react'
import styles from './log-view.module.css'
import { visibleLine } from './plain-line.ts'

/** One line in its colours; what is searched for stands out. All of it is text: nothing in it is ever markup. */
export const LogLine = memo(function LogLine({ text, words }: { text: string; words: string }) {
  const parts = Anser.ansiToJson(visibleLine(text), { use_classes: true, remove_empty: true })
  return parts.map((part, index) => {
    const classes = [part.fg, part.bg && `${part.bg}-bg`, ...part.decorations]
      .filter(Boolean)
      .map((name) => styles[String(name)])
      .join(' ')
    return (
      <span key={index} className={classes || undefined} style={trueColour(part)}>
        <Marked text={part.content} words={words} />
      </span>
    )
  })
})

function trueColour(part: { fg_truecolor: string | null; bg_truecolor: string | null }) {
  if (!part.fg_truecolor && !part.bg_truecolor) return undefined
  return {
    ...(part.fg_truecolor ? { color: `rgb(${part.fg_truecolor})` } : {}),
    ...(part.bg_truecolor ? { backgroundColor: `rgb(${part.bg_truecolor})` } : {}),
  }
}

function Marked({ text, words }: { text: string; words: string }) {
  if (words === '') return text
  const lower = text.toLowerCase()
  const wanted = words.toLowerCase()
  const parts = []
  let at = 0
  for (let hit = lower.indexOf(wanted); hit >= 0; hit = lower.indexOf(wanted, at)) {
    parts.push(text.slice(at, hit), <mark key={hit}>{text.slice(hit, hit + wanted.length)}</mark>)
    at = hit + wanted.length
  }
  parts.push(text.slice(at))
  return parts
}
