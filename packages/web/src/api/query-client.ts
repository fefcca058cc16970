import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { isStatus } from './client.ts'

/** Answers are kept until an event says that they changed (`live.ts`); this is the net below. */
const staleMs = 60_000

export function createQueryClient(): QueryClient {
  // Whatever is refused because nobody is signed in: the session is asked for, and the shell says so.
  const onError = (error: unknown) => {
    if (!isSignedOut(error) || isSignedOut(client.getQueryState(['session'])?.error)) return
    void client.invalidateQueries({ queryKey: ['session'], exact: true }, { cancelRefetch: false })
  }
  const client = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, { queryKey: [family] }) => family !== 'session' && onError(error),
    }),
    mutationCache: new MutationCache({ onError }),
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
  return client
}

/** Whether an answer says that nobody is signed in any more. */
export function isSignedOut(error: unknown): boolean {
  return isStatus(error, 401)
}
