import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useRef } from 'react'
import { usePlaces } from './navigation.ts'

/** Milliseconds within which a letter must follow `g`. */
const followMs = 1200

/** `/` searches, `g` and a letter goes somewhere, `?` lists them, Ctrl or Cmd and K opens the palette. */
export function useShortcuts(actions: { openPalette: () => void; openHelp: () => void }): void {
  const navigate = useNavigate()
  const places = usePlaces()
  const afterG = useRef(0)
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      actions.openPalette()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const place = places.find(({ key }) => key === event.key)
    if (performance.now() - afterG.current < followMs && place !== undefined) {
      afterG.current = 0
      event.preventDefault()
      void navigate({ to: place.path })
    } else if (event.key === 'g') {
      afterG.current = performance.now()
    } else if (event.key === '/') {
      event.preventDefault()
      actions.openPalette()
    } else if (event.key === '?') {
      actions.openHelp()
    }
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKey(event)
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input, textarea, select') ||
      target.closest('[role="dialog"]') !== null)
  )
}
