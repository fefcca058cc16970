/** Query parameters that are credentials. */
const secretParameter = /([?&](?:ticket|signature|token|access_token|code|state)=)[^&#]*/gi

/** The URL as a log may hold it: without tickets, signatures and tokens. */
export function redactUrl(url: string): string {
  return url.includes('?') ? url.replace(secretParameter, '$1[redacted]') : url
}

/** The path alone, without its query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
