import { useState } from 'react'
import { forgetDraft, useDraft } from './drafts.ts'

/**
 * Follows which state of `kept` the drafts of a form are a change of, so that what somebody else keeps meanwhile is
 * told and not overwritten. What they have kept replaces what is here only where nothing has been typed over it.
 */
export function useChangeOf<Kept extends { updated_at: string }>({
  form,
  kept,
  isTyped,
  show,
}: {
  form: string
  /** As the server has it now; null: it is only being made. */
  kept: Kept | null
  /** Whether the fields say something else than that. */
  isTyped: (known: Kept) => boolean
  /** Puts that into the fields. */
  show: (now: Kept) => void
}) {
  // Kept with what is typed, so that a reload does not hide what somebody else did.
  const [base, setBase] = useDraft(form, 'base', '')
  const [known, setKnown] = useState(kept)
  const typed = known !== null && isTyped(known)
  const since = typed && base !== '' ? base : (kept?.updated_at ?? '')
  const showKept = (now: Kept) => {
    setKnown(now)
    show(now)
    setBase('')
    forgetDraft(form)
  }
  if (kept !== null && !typed && known?.updated_at !== kept.updated_at) showKept(kept)
  return {
    /** The `updated_at` of what is changed: `unchanged_since` of the request. */
    since,
    /** Somebody else has kept something since. */
    isOlder: kept !== null && since !== kept.updated_at,
    /** Around the setter of a field, for what is typed into it. */
    onType:
      <T>(set: (value: T) => void) =>
      (value: T) => {
        set(value)
        if (since !== base) setBase(since)
      },
    /** Shows that, and forgets what was typed. */
    showKept,
    /** Has what is typed be a change of what is kept now. */
    goOn: () => {
      setKnown(kept)
      setBase(kept?.updated_at ?? '')
    },
  }
}
