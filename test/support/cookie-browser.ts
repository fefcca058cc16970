/** A browser as far as HTTP goes: it keeps cookies, and follows redirects when it is told to. */
export interface CookieBrowser {
  /** One request; redirects are not followed. Pages of the same origin send no `Origin` with GET. */
  request(url: string | URL, init?: RequestInit): Promise<Response>
  /** Goes to an address and on to where it is sent, up to one at `until`, whatever its query. */
  goTo(url: string | URL, options?: { until?: string }): Promise<Visited>
  /** Sends the first form of a page. */
  submit(page: Visited): Promise<Visited>
  cookie(name: string): string | undefined
  setCookie(name: string, value: string): void
  /** `Set-Cookie` headers, as they came. */
  readonly given: string[]
}

export interface Visited {
  /** The last address that was asked, or was not any more. */
  url: URL
  status: number
  text: string
}

const mostRedirects = 20

export function openBrowser(): CookieBrowser {
  const cookies = new Map<string, { name: string; value: string; path: string }>()
  const given: string[] = []

  function keep(response: Response): void {
    for (const header of response.headers.getSetCookie()) {
      given.push(header)
      const [pair = '', ...attributes] = header.split(';').map((part) => part.trim())
      const [name = '', ...value] = pair.split('=')
      const attribute = (wanted: string) =>
        attributes
          .find((each) => each.toLowerCase().startsWith(`${wanted}=`))
          ?.slice(wanted.length + 1)
      const path = attribute('path') ?? '/'
      const expires = attribute('expires')
      const isOver =
        attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now())
      if (isOver) cookies.delete(`${path} ${name}`)
      else cookies.set(`${path} ${name}`, { name, value: value.join('='), path })
    }
  }

  async function request(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const { pathname } = new URL(url)
    const sent = [...cookies.values()]
      .filter(({ path }) => path === '/' || pathname === path || pathname.startsWith(`${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
    const headers = new Headers(init.headers)
    if (sent.length > 0) headers.set('cookie', sent.join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    keep(response)
    return response
  }

  async function follow(at: URL, first: Response, until: string | undefined): Promise<Visited> {
    let url = at
    let response = first
    for (let count = 0; count < mostRedirects; count++) {
      const location = response.headers.get('location')
      const text = await response.text()
      if (location === null) return { url, status: response.status, text }
      url = new URL(location, url)
      if (until !== undefined && url.href.replace(/[?#].*/, '') === until) {
        return { url, status: response.status, text }
      }
      response = await request(url)
    }
    throw new Error(`too many redirects, the last to ${url.href}`)
  }

  return {
    given,
    request,
    goTo: async (url, { until } = {}) => follow(new URL(url), await request(url), until),
    async submit({ url, text }) {
      const form = /<form[^>]*action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/.exec(text)
      if (form === null) throw new Error(`no form in ${text}`)
      const [, action = '', content = ''] = form
      const body = new URLSearchParams()
      for (const [tag] of content.matchAll(/<input[^>]*>/g)) {
        const name = /name="([^"]*)"/.exec(tag)?.[1]
        if (name !== undefined) body.set(name, /value="([^"]*)"/.exec(tag)?.[1] ?? '')
      }
      const to = new URL(action, url)
      return follow(to, await request(to, { method: 'POST', body }), undefined)
    },
    cookie: (name) => [...cookies.values()].find((each) => each.name === name)?.value,
    setCookie: (name, value) => void cookies.set(`/ ${name}`, { name, value, path: '/' }),
  }
}
