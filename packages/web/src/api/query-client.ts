import { QueryClient } from '@tanstack/react-query'
import { isStatus } from './client.ts'

/** Answers are kept until an event says that they changed (`live.ts`); this is the net below. */
const staleMs = 60_000

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: staleMs,
        // The client itself repeats what may pass.
        retry: false,
        refetchOnWindowFocus: true,
        throwOnError: false,
      },
      mutations: { retry: false },
    },
  })
}

/** Whether an answer says that nobody is signed in any more. */
export function isSignedOut(error: unknown): boolean {
  return isStatus(error, 401)
}
