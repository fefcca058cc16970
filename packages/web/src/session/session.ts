import { queryOptions, useQuery } from '@tanstack/react-query'
import type { EndedSession, Session, SignInConfiguration } from '@slipway/contract/sign-in'
import { isSignedOut } from '../api/query-client.ts'
import { keepCsrfToken } from './csrf.ts'
import { forgetDrafts } from './drafts.ts'
import { request } from './request.ts'

export type { Session } from '@slipway/contract/sign-in'

/** Where the windows of this browser, which share a session, tell one another that it has changed. */
const windows = new BroadcastChannel('slipway.session')
type Change = 'signed in' | 'signed out'

/** Calls back when another window has signed in or out; the answer stops it. */
export function onChangeElsewhere(tell: (change: Change) => void): () => void {
  const listen = ({ data }: MessageEvent<Change>) => tell(data)
  windows.addEventListener('message', listen)
  return () => windows.removeEventListener('message', listen)
}

function tellOthers(change: Change): void {
  windows.postMessage(change)
}

/** Who is signed in by this browser's cookie; fails with 401 where nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => remember((await request('v1/session', { signal })) as Session),
  staleTime: 5 * 60_000,
})

/** Null while it is not known. */
export function useSession() {
  return useQuery(sessionQuery)
}

/** Whether the session has ended under a page that is still open; what was known of it is kept meanwhile. */
export function useSignedOut(): boolean {
  return isSignedOut(useSession().error)
}

/** Whether whoever is signed in may do something, e.g. `runs:create`. What they may not do is not offered. */
export function useMay(): (permission: string) => boolean {
  const { data } = useSession()
  return (permission) => data?.permissions.includes(permission) ?? false
}

/** Whether whoever is signed in sees a repository at all: what they do not see does not exist for them. */
export function useSees(repository: string): boolean {
  const seen = useSession().data?.repositories ?? null
  return seen === null || seen.includes(repository)
}

/** Signs in with a token, for a cookie that no script can read. */
export async function signInWithToken(token: string): Promise<Session> {
  const session = remember(
    (await request('v1/session', { method: 'POST', body: JSON.stringify({ token }) })) as Session,
  )
  tellOthers('signed in')
  return session
}

/** Ends the session in every window of this browser, and at the issuer where it began there. */
export async function signOut(): Promise<void> {
  const ended = (await request('v1/session', { method: 'DELETE' })) as EndedSession | undefined
  tellOthers('signed out')
  leave(ended?.end_session_url ?? '/sign-in')
}

/** Nothing that was shown or typed stays in this window. */
export function leave(to: string): void {
  keepCsrfToken(null)
  forgetDrafts()
  location.assign(to)
}

export const signInConfigurationQuery = queryOptions({
  queryKey: ['session', 'configuration'],
  queryFn: async ({ signal }) =>
    (await request('v1/sign-in/configuration', { signal })) as SignInConfiguration,
})

function remember(session: Session): Session {
  keepCsrfToken(session.session?.csrf_token ?? null)
  return session
}
