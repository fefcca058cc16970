import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { InvalidValue, integer, type Parse } from './parse.ts'
import { absent, present, type ValuesOf } from './setting.ts'

export interface NatsAddress {
  /** `host:port` each. */
  servers: readonly string[]
  /** Of the URL; null: none in it. */
  login: { user: string; password: string } | null
  /** Whether a URL begins with tls:. */
  isTls: boolean
}

const form = 'nats://host:port or tls://host:port, several separated by commas'

/** Addresses of the servers of one cluster. They may hold a password, so they are never repeated. */
const natsUrl: Parse<NatsAddress> = (text) => {
  const urls = text.split(',').map((each) => readUrl(each.trim()))
  const logins = new Set(urls.map(({ username, password }) => JSON.stringify([username, password])))
  if (logins.size > 1) throw new InvalidValue('has different users: all servers are of one cluster')
  const [{ username, password } = new URL('nats://none')] = urls
  return {
    servers: urls.map(({ host, port }) => (port === '' ? `${host}:4222` : host)),
    login: username === '' ? null : { user: decode(username), password: decode(password) },
    isTls: urls.some(({ protocol }) => protocol === 'tls:'),
  }
}

function readUrl(text: string): URL {
  const url = /^[a-z]+:\/\//.test(text) ? text : `nats://${text}`
  if (!URL.canParse(url)) throw new InvalidValue(`not of the form ${form}`)
  const parsed = new URL(url)
  const { protocol, hostname, pathname, search, hash, username, password } = parsed
  const isBare = (pathname === '' || pathname === '/') && `${search}${hash}` === ''
  if ((protocol !== 'nats:' && protocol !== 'tls:') || hostname === '' || !isBare) {
    throw new InvalidValue(`not of the form ${form}`)
  }
  if ((username === '') !== (password === '')) {
    throw new InvalidValue('needs a user and a password, or neither; a token goes into NATS_TOKEN')
  }
  return parsed
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new InvalidValue('has a user or password that is not percent-encoded')
  }
}

/** A file that is read at once, so that a wrong one is told of at the start; answers its absolute path. */
function fileWith(mark: RegExp, what: string): Parse<string> {
  return (text) => {
    const path = resolve(text)
    let content: string
    try {
      content = readFileSync(path, 'utf8')
    } catch (error) {
      const { code = 'unreadable' } = error as NodeJS.ErrnoException
      throw new InvalidValue(`the file ${JSON.stringify(text)} cannot be read: ${code}`)
    }
    if (!mark.test(content))
      throw new InvalidValue(`the file ${JSON.stringify(text)} is no ${what}`)
    return path
  }
}

const seed = /^SU[A-Z2-7]{56}$/

/** The seed itself, or a file with nothing else in it. It is never repeated. */
const nkeySeed: Parse<string> = (text) => {
  if (seed.test(text.trim())) return text.trim()
  let content = ''
  try {
    content = readFileSync(resolve(text), 'utf8').trim()
  } catch {
    // It is told below: the text may be a secret.
  }
  if (seed.test(content)) return content
  throw new InvalidValue('is neither the seed of a user’s nkey (SU…) nor the path of its file')
}

const prefix: Parse<string> = (text) => {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(text)) return text
  throw new InvalidValue('is not 1 to 32 letters, digits, - and _')
}

const token: Parse<string> = (text) => {
  if (/^[\u0021-\u007e]+$/.test(text)) return text
  throw new InvalidValue('may only hold printable ASCII characters, without spaces')
}

/** Settings of the job bus beyond one machine; part of `settings`. */
export const natsSettings = {
  NATS_URL: absent({
    description: `NATS servers with JetStream that move jobs to workers, as ${form}; \`tls:\` insists on TLS. May hold a user and a password.`,
    default: null,
    defaultNote: 'the database moves jobs',
    secret: true,
    parse: natsUrl,
  }),
  NATS_CREDENTIALS: absent({
    description:
      'Path of the credentials file of a NATS user (JWT and seed). It is read again at each connection.',
    default: null,
    parse: fileWith(/BEGIN NATS USER JWT[\s\S]*BEGIN USER NKEY SEED/, 'credentials file of NATS'),
  }),
  NATS_TOKEN: absent({
    description: 'Token that NATS wants.',
    default: null,
    secret: true,
    parse: token,
  }),
  NATS_NKEY: absent({
    description: 'Seed of the nkey of a NATS user, or the path of its file.',
    default: null,
    secret: true,
    parse: nkeySeed,
  }),
  NATS_CA: absent({
    description: 'Path of the certificates (PEM) of the authority that NATS’ own are from.',
    default: null,
    defaultNote: 'those of the system',
    parse: fileWith(/BEGIN CERTIFICATE/, 'certificate'),
  }),
  NATS_CERT: absent({
    description: 'Path of the certificate (PEM) that NATS wants of its clients.',
    default: null,
    parse: fileWith(/BEGIN CERTIFICATE/, 'certificate'),
  }),
  NATS_KEY: absent({
    description: 'Path of the private key (PEM) of `NATS_CERT`.',
    default: null,
    parse: fileWith(/BEGIN [A-Z ]*PRIVATE KEY/, 'private key'),
  }),
  NATS_PREFIX: absent({
    description:
      'Put before the names of streams and subjects. Installations that share an account of NATS need one each, and workers that of their server.',
    default: null,
    defaultNote: 'none',
    parse: prefix,
  }),
  NATS_REPLICAS: present({
    description:
      'Servers of the NATS cluster that keep each stream: 1, or 3 or 5 so that one or two may fail.',
    default: '1',
    parse: integer(1, 5),
  }),
}

/** The job bus beyond one machine. */
export interface NatsConfig {
  servers: readonly string[]
  credentials:
    | { kind: 'none' }
    | { kind: 'password'; user: string; password: string }
    | { kind: 'token'; token: string }
    | { kind: 'file'; path: string }
    | { kind: 'nkey'; seed: string }
  /** Null: only where the server asks for it. Paths are absolute. */
  tls: { caFile: string | null; client: { certFile: string; keyFile: string } | null } | null
  /** May be empty. */
  prefix: string
  replicas: number
}

/** What is wrong with these settings together. What was refused is undefined: that is told already. */
export function natsProblems(values: ValuesOf<typeof natsSettings>): string[] {
  const problems: string[] = []
  const given = (name: keyof typeof natsSettings) => values[name] !== null
  const names = Object.keys(natsSettings) as (keyof typeof natsSettings)[]
  if (!given('NATS_URL')) {
    for (const name of names.filter((name) => natsSettings[name].default === null && given(name))) {
      problems.push(`${name}: has no meaning without NATS_URL`)
    }
    return problems
  }
  const ways = (['NATS_CREDENTIALS', 'NATS_TOKEN', 'NATS_NKEY'] as const).filter(
    (name) => typeof values[name] === 'string',
  )
  const [way] = ways
  if (ways.length > 1) problems.push(`${ways.join(', ')}: only one of them can be used`)
  if (way !== undefined && values.NATS_URL?.login != null) {
    problems.push(`${way}: NATS_URL holds a user and a password already`)
  }
  if (given('NATS_CERT') && !given('NATS_KEY')) {
    problems.push('NATS_KEY: is needed by NATS_CERT')
  }
  if (given('NATS_KEY') && !given('NATS_CERT')) {
    problems.push('NATS_CERT: is needed by NATS_KEY')
  }
  return problems
}

export function toNats(values: ValuesOf<typeof natsSettings>): NatsConfig | null {
  const { NATS_URL: url, NATS_CA: caFile, NATS_CERT: certFile, NATS_KEY: keyFile } = values
  if (url === null) return null
  const client = certFile === null || keyFile === null ? null : { certFile, keyFile }
  const wantsTls = url.isTls || caFile !== null || client !== null
  return {
    servers: url.servers,
    credentials: toCredentials(values, url.login),
    tls: wantsTls ? { caFile, client } : null,
    prefix: values.NATS_PREFIX ?? '',
    replicas: values.NATS_REPLICAS,
  }
}

function toCredentials(
  values: ValuesOf<typeof natsSettings>,
  login: NatsAddress['login'],
): NatsConfig['credentials'] {
  const { NATS_CREDENTIALS: path, NATS_TOKEN: given, NATS_NKEY: key } = values
  if (path !== null) return { kind: 'file', path }
  if (given !== null) return { kind: 'token', token: given }
  if (key !== null) return { kind: 'nkey', seed: key }
  return login === null ? { kind: 'none' } : { kind: 'password', ...login }
}
