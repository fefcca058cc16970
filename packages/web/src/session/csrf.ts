/** What proves that a change was sent by this page; empty while nobody is signed in. */
let token: string | null = null

export function keepCsrfToken(next: string | null): void {
  token = next
}

export function csrfHeaders(): Record<string, string> {
  return token === null ? {} : { 'x-csrf-token': token }
}
