import { useState } from 'react'
import { type BuildDraft, emptyDraft } from './build-draft.ts'

const key = 'slipway.new-build'

/** What was chosen stays until it is built or given up, also when the session ends or the page is loaded again. */
export function useDraft(): [BuildDraft, (draft: BuildDraft) => void, () => void] {
  const [draft, setDraft] = useState(read)
  return [
    draft,
    (next) => {
      setDraft(next)
      try {
        sessionStorage.setItem(key, JSON.stringify(next))
      } catch {
        // Then it stays as long as the page does.
      }
    },
    () => {
      try {
        sessionStorage.removeItem(key)
      } catch {
        // There is nothing to remove.
      }
    },
  ]
}

function read(): BuildDraft {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<BuildDraft>
    return { ...emptyDraft, ...kept }
  } catch {
    return emptyDraft
  }
}
