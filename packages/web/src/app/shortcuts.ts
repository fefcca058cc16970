import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { places } from './navigation.ts'

/** Milliseconds within which a letter must follow `g`. */
const followMs = 1200

/** `/` searches, `g` and a letter goes somewhere, `?` lists them, Ctrl or Cmd and K opens the palette. */
export function useShortcuts(actions: { openPalette: () => void; openHelp: () => void }): void {
  const navigate = useNavigate()
  const { openPalette, openHelp } = actions
  useEffect(() => {
    let afterG = 0
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault()
        openPalette()
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const place = places.find(({ key }) => key === event.key)
      if (performance.now() - afterG < followMs && place !== undefined) {
        afterG = 0
        event.preventDefault()
        void navigate({ to: place.path })
      } else if (event.key === 'g') {
        afterG = performance.now()
      } else if (event.key === '/') {
        event.preventDefault()
        openPalette()
      } else if (event.key === '?') {
        openHelp()
      }
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [navigate, openPalette, openHelp])
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input, textarea, select') ||
      target.closest('[role="dialog"]') !== null)
  )
}
