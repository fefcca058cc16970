import { isIP } from 'node:net'
import { anyText, boolean, duration, InvalidValue, type Parse } from './parse.ts'
import { headerSecret } from './parse-github.ts'
import { absent, present } from './setting.ts'

/** An issuer as it is in tokens, to the letter: http or https, no query. */
const issuer: Parse<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidValue('is no http or https URL')
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new InvalidValue('must be without a query, fragment and login')
  }
  return text
}

/** Name of a client or an audience. */
const clientName: Parse<string> = (text) => {
  if (/^[\u0021-\u007e]{1,255}$/.test(text)) return text
  throw new InvalidValue('may only hold printable ASCII characters, without spaces')
}

const scopes: Parse<string> = (text) => {
  const names = text.split(/\s+/).filter(Boolean)
  if (!names.includes('openid')) throw new InvalidValue('must have openid among its scopes')
  return names.join(' ')
}

/** Milliseconds; no cookie lasts longer (RFC 6265bis, 5.5). */
const sessionTime: Parse<number> = (text) => {
  const ms = duration(text)
  if (ms >= 60_000 && ms <= 400 * 86_400_000) return ms
  throw new InvalidValue('must be from 1m to 400d')
}

/** Settings of how people and jobs sign in; part of `settings`. */
export const signInSettings = {
  OIDC_ISSUER: absent({
    description:
      'OpenID issuer whose access tokens are taken besides API tokens, as it calls itself in them, e.g. `https://sso.example.com/realms/slipway`.',
    default: null,
    defaultNote: 'API tokens only',
    parse: issuer,
  }),
  OIDC_AUDIENCE: present({
    description:
      'What access tokens must be made out to: the client that the API is at the issuer. Roles of this client count, besides those of the realm.',
    default: 'slipway-api',
    parse: clientName,
  }),
  OIDC_CLIENT_ID: absent({
    description: 'Client at the issuer by which browsers sign in.',
    default: null,
    defaultNote: 'browsers sign in with tokens only',
    parse: clientName,
  }),
  OIDC_CLIENT_SECRET: absent({
    description: 'Secret of `OIDC_CLIENT_ID`, if that is no public client.',
    default: null,
    secret: true,
    parse: headerSecret,
  }),
  OIDC_CLI_CLIENT_ID: absent({
    description: 'Public client at the issuer by which `slipway login` signs in (device flow).',
    default: null,
    defaultNote: '`slipway login` takes tokens only',
    parse: clientName,
  }),
  OIDC_SCOPES: present({
    description: 'Scopes that browsers and the command line ask for, separated by spaces.',
    default: 'openid profile email',
    parse: scopes,
  }),
  OIDC_ROLE_PREFIX: present({
    description:
      'What the names of roles begin with at the issuer: with `slipway-`, its role `slipway-viewer` is `viewer` here, and `viewer` nothing.',
    default: '',
    defaultNote: 'nothing: the names are the same',
    emptyIsValue: true,
    parse: anyText,
  }),
  OIDC_ALLOW_HTTP: present({
    description:
      'Whether an issuer elsewhere than on this machine may be spoken to without TLS. Whoever is on the way there can then be anybody here.',
    default: 'false',
    parse: boolean,
  }),
  SLIPWAY_SESSION_LIFETIME: present({
    description: 'How long a browser’s session lasts, however it is used.',
    default: '30d',
    parse: sessionTime,
  }),
  SLIPWAY_SESSION_IDLE: present({
    description: 'How long a browser’s session lasts that is not used.',
    default: '3d',
    parse: sessionTime,
  }),
  GITHUB_ACTIONS_ISSUER: present({
    description:
      'Issuer of the ID tokens of GitHub Actions; of GitHub Enterprise Server `https://<host>/_services/token`.',
    default: 'https://token.actions.githubusercontent.com',
    parse: issuer,
  }),
  GITHUB_ACTIONS_AUDIENCE: absent({
    description: 'What ID tokens of GitHub Actions must be made out to.',
    default: null,
    defaultNote: '`SLIPWAY_PUBLIC_URL`',
    parse: clientName,
  }),
}

/** Whether a URL may be spoken to without TLS: nobody is on the way to this machine itself. */
export function isOnThisMachine(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
