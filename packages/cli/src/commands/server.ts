import type { Command } from 'commander'
import type { Act } from '../act.ts'
import { CliError } from '../cli-error.ts'
import { type Context, printJson } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { printFacts } from '../render/print-facts.ts'
import { terminalWord } from '../render/terminal-text.ts'
import { isHttpUrl } from '../settings/choose-server.ts'
import { changeConfigFile } from '../settings/change-config-file.ts'
import { configPath, readConfigFile, type ServerEntry } from '../settings/read-config-file.ts'
import { showList } from '../show-list.ts'

/** What `slipway server` says of one; never its token. */
interface ServerInfo {
  name: string
  url: string
  current: boolean
  /** How commands get in there: by a login, or by a token that the file holds. */
  login: 'oidc' | 'token' | 'file' | null
}

export function addServerCommand(program: Command, act: Act): void {
  const server = program
    .command('server')
    .description('the servers that you work with, in the configuration file')
  server
    .command('list')
    .description('all of them, and which one is used when none is named')
    .action(act((context) => list(context)))
  server
    .command('show [name]')
    .description('one of them; default: the one that commands would use now')
    .action(act((context, _flags, [name]) => show(context, name)))
  server
    .command('create <name> <location>')
    .alias('add')
    .description('write down the URL of a server; the first one is used from then on')
    .option('--use', 'use it from now on')
    .action(
      act((context, flags: { use?: true }, [name = '', url = '']) =>
        create(context, { name, url }, flags),
      ),
    )
  server
    .command('use <name>')
    .description('use it from now on, when none is named')
    .action(act((context, _flags, [name = '']) => use(context, name)))
  server
    .command('delete <name>')
    .alias('remove')
    .description('forget it, and the login there')
    .action(act((context, _flags, [name = '']) => remove(context, name)))
}

async function readServers(context: Context): Promise<ServerInfo[]> {
  const { current, servers } = await readConfigFile(configPath(context.io.env))
  return Promise.all(
    [...servers].map(async ([name, entry]) => ({
      name,
      url: entry.url,
      current: name === current,
      login: await loginOf(context, entry),
    })),
  )
}

async function loginOf(
  { logins }: Context,
  { url, token }: ServerEntry,
): Promise<ServerInfo['login']> {
  const login = await logins?.find(url)
  if (login !== undefined) return login.kind
  return token === undefined ? null : 'file'
}

const wordOf = {
  oidc: 'signed in',
  token: 'signed in with a token',
  file: 'by the token in the file',
  none: 'not signed in',
} as const

async function list(context: Context): Promise<number> {
  return showList(context, {
    read: () => readServers(context),
    json: (servers: ServerInfo[]) => ({ servers }),
    header: ['NAME', 'CURRENT', 'LOGIN', 'URL'],
    rows: (servers: ServerInfo[]) =>
      servers.map(({ name, url, current, login }) => [
        name,
        current ? '*' : '-',
        wordOf[login ?? 'none'],
        url,
      ]),
    empty: 'No servers are written down. Begin with: slipway server create NAME URL',
  })
}

async function show(context: Context, name: string | undefined): Promise<number> {
  const { io } = context
  const servers = await readServers(context)
  const { url } = name === undefined ? await context.choose() : nameOf(servers, name)
  const known = servers.find((one) => (name === undefined ? one.url === url : one.name === name))
  const info = known ?? { name: null, url, current: false, login: await loginAt(context, url) }
  if (context.json) await printJson(io, info)
  else {
    await printFacts(context, info.name ?? 'not in the configuration file', [
      ['url', info.url],
      ['login', wordOf[info.login ?? 'none']],
      ['current', info.current ? 'yes' : 'no'],
      ['file', configPath(io.env)],
    ])
  }
  return exitCodes.success
}

function loginAt(context: Context, url: string): Promise<ServerInfo['login']> {
  return loginOf(context, { url, token: undefined })
}

function nameOf(servers: readonly ServerInfo[], name: string): ServerInfo {
  const found = servers.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new CliError(
    `No server is named ${name} in the configuration file`,
    'See which there are: slipway server list',
  )
}

async function create(
  context: Context,
  { name, url }: { name: string; url: string },
  flags: { use?: true },
): Promise<number> {
  const { io } = context
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    throw new CliError(
      `${name} is no name for a server`,
      'Letters, digits, dots, hyphens and underscores, 63 at most: slipway server create work https://slipway.example.com',
    )
  }
  if (!isHttpUrl(url)) {
    throw new CliError(
      `Not the URL of a server: ${url}`,
      'It looks like https://slipway.example.com',
    )
  }
  const { isCurrent } = await changeConfigFile(io.env, (file) => {
    if (file.servers.has(name)) {
      throw new CliError(
        `There is a server named ${name} already: ${file.servers.get(name)?.url}`,
        `Forget it first: slipway server delete ${name}`,
      )
    }
    const isCurrent = flags.use === true || file.servers.size === 0
    file.setUrl(name, url)
    if (isCurrent) file.setCurrent(name)
    return { isCurrent }
  })
  if (context.json) await printJson(io, { name, url, current: isCurrent })
  else {
    await io.err.write(`Wrote down ${name}: ${terminalWord(url)}\n`)
    const hint = `Sign in: slipway login --server ${name}\n`
    await io.err.write(context.errorStyles.dim(hint))
  }
  return exitCodes.success
}

async function use(context: Context, name: string): Promise<number> {
  const { io } = context
  const servers = await readServers(context)
  const { url } = nameOf(servers, name)
  await changeConfigFile(io.env, (file) => file.setCurrent(name))
  if (context.json) await printJson(io, { name, url, current: true })
  else await io.err.write(`Uses ${name} from now on: ${terminalWord(url)}\n`)
  return exitCodes.success
}

async function remove(context: Context, name: string): Promise<number> {
  const { io, logins } = context
  const servers = await readServers(context)
  const { url } = nameOf(servers, name)
  const isElsewhere = servers.some((one) => one.name !== name && one.url === url)
  await changeConfigFile(io.env, (file) => file.delete(name))
  if (logins !== null && !isElsewhere) await logins.update(url, async () => undefined)
  if (context.json) await printJson(io, { name, deleted: true })
  else await io.err.write(`Deleted ${name}\n`)
  return exitCodes.success
}
