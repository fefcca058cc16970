import { useState } from 'react'

const prefix = 'slipway.draft.'
/** In an address, as https://name:password@host. */
const password = /:\/\/[^/@\s]*:[^/@\s]+@/

/**
 * The state of one field of a form, like `useState`, which is kept in this tab until the form is sent
 * (`forgetDraft`) or whoever typed it signs out: a reload loses nothing. What equals `initial` is not kept.
 * Never for secrets: they stay in memory, as does an address with a password in it.
 */
export function useDraft<T>(form: string, field: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    const kept = read(form)[field]
    return isLike(kept, initial) ? kept : initial
  })
  const change = (next: T) => {
    setValue(next)
    const { [field]: _, ...others } = read(form)
    const json = JSON.stringify(next)
    const isKept = json !== JSON.stringify(initial) && !password.test(json)
    write(form, isKept ? { ...others, [field]: next } : others)
  }
  return [value, change]
}

/** The form has been sent. */
export function forgetDraft(form: string): void {
  write(form, {})
}

/** Of every form: whoever typed it is not here any more. */
export function forgetDrafts(): void {
  try {
    const names = Object.keys(sessionStorage).filter((name) => name.startsWith(prefix))
    for (const name of names) sessionStorage.removeItem(name)
  } catch {
    // Nothing could be kept.
  }
}

/** What an older version of this page has kept may look otherwise. */
function isLike<T>(kept: unknown, initial: T): kept is T {
  return typeof kept === typeof initial && Array.isArray(kept) === Array.isArray(initial)
}

function read(form: string): Record<string, unknown> {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(prefix + form) ?? '{}')
    return typeof kept === 'object' && kept !== null ? { ...kept } : {}
  } catch {
    return {}
  }
}

function write(form: string, fields: Record<string, unknown>): void {
  try {
    if (Object.keys(fields).length === 0) sessionStorage.removeItem(prefix + form)
    else sessionStorage.setItem(prefix + form, JSON.stringify(fields))
  } catch {
    // Then it stays as long as the page does.
  }
}
