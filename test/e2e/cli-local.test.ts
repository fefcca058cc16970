import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runCli, temporaryDirectory } from '../support/run-cli.ts'

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd })

async function checkout(): Promise<string> {
  const directory = await temporaryDirectory()
  git(directory, 'init', '-q', '-b', 'main')
  return directory
}

describe('usage', () => {
  it('explains itself', async () => {
    const { code, out } = await runCli(['--help'])
    expect(code).toBe(0)
    for (const command of [
      'init',
      'validate',
      'run',
      'logs',
      'events',
      'token',
      'health',
      'serve',
    ]) {
      expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    }
  })

  it('says its version', async () => {
    const manifest = new URL('../../packages/cli/package.json', import.meta.url)
    const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
    expect(await runCli(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['run', 'lst'], /Did you mean list/],
    [['run', 'get'], /missing required argument 'run'/],
    [['run', 'list', '--limit', '0'], /whole number from 1 to 100/],
    [['run', 'list', '--what'], /unknown option '--what'/],
    [['token', 'create', 'x'], /required option '--role/],
    [['token', 'create', 'x', '--role', 'king'], /Allowed choices are viewer/],
    [['token', 'create', 'x', '--role', 'viewer', '--expires', 'soon'], /90d/],
    [['init', '--format', 'toml'], /Allowed choices are yaml, json, cue/],
    [['health', '--url', 'localhost'], /Not the URL of a server/],
    [['run', 'start', '-r', 'a/b'], /no git checkout/],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await runCli(args)
    expect(err).toMatch(message)
    expect(out).toBe('')
    expect(code).toBe(2)
  })

  it('says what to do when no server answers', async () => {
    const { code, err } = await runCli(['health', '--url', 'http://127.0.0.1:1'])
    expect(err).toContain('slipway serve')
    expect(code).toBe(5)
  })

  it('tells errors as JSON too', async () => {
    const { code, err } = await runCli(['health', '--json', '--url', 'nowhere'])
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'usage' } })
    expect(code).toBe(2)
  })

  it('tells mistakes as JSON, with the next step', async () => {
    const { code, out, err } = await runCli(['run', 'lst', '--json'])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(JSON.parse(err)).toEqual({
      error: {
        code: 'usage',
        message: "unknown command 'lst'",
        hint: '(Did you mean list?) See: slipway run --help',
      },
    })
  })

  it('says behind every mistake where to read on', async () => {
    const { err } = await runCli(['token', 'create', 'x'])
    expect(err).toContain('See: slipway token create --help')
  })
})

describe('completion', () => {
  /** What bash would offer for the last of these words. */
  async function complete(words: readonly string[], env: Record<string, string> = {}) {
    const { out: script } = await runCli(['completion', 'bash'])
    const bin = fileURLToPath(new URL('../../packages/cli/bin/slipway.js', import.meta.url))
    const home = await temporaryDirectory()
    const line = `${script}
slipway() { '${process.execPath}' '${bin}' "$@"; }
COMP_WORDS=(slipway "$@"); COMP_CWORD=$#; _slipway slipway; printf '%s\\n' "\${COMPREPLY[@]}"`
    const asked = { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: home, ...env } } as const
    return execFileSync('bash', ['-c', line, 'bash', ...words], asked)
      .split('\n')
      .filter(Boolean)
  }

  it('offers commands, options and choices', async () => {
    expect(await complete(['run', 'st'])).toEqual(['start'])
    expect(await complete(['run', 'list', '--of'])).toEqual(['--offset'])
    expect(await complete(['token', 'create', 'x', '--role', 'v'])).toEqual(['viewer'])
  })

  it('says nothing where no server answers', async () => {
    const env = { SLIPWAY_URL: 'http://127.0.0.1:1', SLIPWAY_TOKEN: 'x' }
    expect(await complete(['run', 'show', ''], env)).toEqual([])
  })

  it('offers servers by the names in the configuration file', async () => {
    const HOME = await temporaryDirectory()
    const added = await runCli(['server', 'create', 'work', 'http://work.example.com'], {
      env: { HOME },
    })
    expect(added.code, added.err).toBe(0)
    expect(await complete(['--server', 'w'], { HOME })).toEqual(['work'])
  })

  it('is there for zsh and fish', async () => {
    expect((await runCli(['completion', 'zsh'])).out).toContain('#compdef slipway')
    expect((await runCli(['completion', 'fish'])).out).toContain('complete -c slipway')
  })
})

describe('the configuration file', () => {
  async function home(config: string, mode = 0o600): Promise<Record<string, string>> {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, '.config/slipway'), { recursive: true })
    const file = join(directory, '.config/slipway/config.yaml')
    await writeFile(file, config)
    await chmod(file, mode)
    return { HOME: directory }
  }
  const servers = `current: one
servers:
  one: { url: 'http://127.0.0.1:1/one', token: slw_one }
  two: { url: 'http://127.0.0.1:1/two' }
`

  it('is refused when others can read the token in it', async () => {
    const { code, err } = await runCli(['health'], { env: await home(servers, 0o644) })
    expect(err).toContain('others can read it')
    expect(err).toContain('chmod 600')
    expect(code).toBe(2)
  })

  it.each([
    ['current: [', /config\.yaml/],
    ['servers: { one: {} }', /servers\.one\.url is missing/],
    ['server: x', /unknown key server/],
    ['current: nobody', /current names no server/],
  ])('%s is refused', async (config, message) => {
    const { code, err } = await runCli(['health'], { env: await home(config) })
    expect(err).toMatch(message)
    expect(code).toBe(2)
  })

  it('is written by `slipway server`, for its owner alone, and keeps what else is in it', async () => {
    const HOME = await temporaryDirectory()
    const file = join(HOME, '.config/slipway/config.yaml')
    const slipway = (...args: string[]) => runCli(['server', ...args], { env: { HOME } })
    expect(await slipway('list')).toMatchObject({ code: 0, out: '' })
    expect((await slipway('create', 'home', 'http://127.0.0.1:1/home')).err).toContain(
      'slipway login --server home',
    )
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await writeFile(file, `# mine\n${await readFile(file, 'utf8')}`)
    expect((await slipway('create', 'work', 'https://work.example.com', '--use')).code).toBe(0)
    expect(JSON.parse((await slipway('list', '--json')).out)).toEqual({
      servers: [
        { name: 'home', url: 'http://127.0.0.1:1/home', current: false, login: null },
        { name: 'work', url: 'https://work.example.com', current: true, login: null },
      ],
    })
    expect((await slipway('use', 'home')).code).toBe(0)
    expect((await slipway('show')).out).toMatch(/^home\nurl +http:\/\/127\.0\.0\.1:1\/home\n/)
    expect((await slipway('delete', 'home')).code).toBe(0)
    const left = await readFile(file, 'utf8')
    expect(left).toMatch(/^# mine\n/)
    expect(left).not.toContain('home')
    for (const args of [
      ['create', 'work', 'http://other'],
      ['create', 'a b', 'http://other'],
      ['create', 'x', 'nowhere'],
      ['use', 'nobody'],
      ['delete', 'nobody'],
    ]) {
      expect(await slipway(...args), args.join(' ')).toMatchObject({ code: 2, out: '' })
    }
  })

  it('is asked for the server that SLIPWAY_SERVER names', async () => {
    const env = { ...(await home(servers)), SLIPWAY_SERVER: 'two' }
    expect((await runCli(['server', 'show'], { env })).out).toMatch(/^two\n/)
    const twice = { ...env, SLIPWAY_URL: 'http://127.0.0.1:1' }
    expect((await runCli(['health'], { env: twice })).err).toContain('name two servers')
  })

  it('knows the servers by name', async () => {
    const { code, err } = await runCli(['health', '--server', 'three'], {
      env: await home(servers),
    })
    expect(err).toContain('one, two')
    expect(code).toBe(2)
  })
})

describe('init and validate', () => {
  it.each(['yaml', 'json', 'cue'])('write and accept a configuration in %s', async (format) => {
    const cwd = await checkout()
    await mkdir(join(cwd, 'deep'))
    const made = await runCli(['init', '--format', format, '--project', 'shop'], {
      cwd: join(cwd, 'deep'),
    })
    expect(made).toMatchObject({
      code: 0,
      out: `.forge/repo.${format}\n.forge/project.${format}\n`,
    })
    const checked = await runCli(['validate'], { cwd })
    expect(checked.err).toBe('')
    expect(checked.out).toContain(`valid: .forge/repo.${format}, 1 project\n  shop`)
    expect(checked.code).toBe(0)
  })

  it('do not write over a configuration, whatever its format', async () => {
    const cwd = await checkout()
    await runCli(['init', '--format', 'json'], { cwd })
    const { code, err } = await runCli(['init'], { cwd })
    expect(err).toContain('There is a configuration already')
    expect(code).toBe(2)
  })

  it('say file, place and reason of what is wrong', async () => {
    const cwd = await checkout()
    await mkdir(join(cwd, 'web/.forge'), { recursive: true })
    await runCli(['init'], { cwd })
    await writeFile(
      join(cwd, 'web/.forge/project.yaml'),
      'name: web\nphases:\n  check:\n    stepz: []\n',
    )
    const { code, err } = await runCli(['validate', cwd])
    expect(err).toMatch(/web\/\.forge\/project\.yaml:\d+ .*stepz/)
    expect(code).toBe(1)
    const json = await runCli(['validate', '--json'], { cwd })
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([
        expect.objectContaining({ file: 'web/.forge/project.yaml' }),
      ]) as unknown,
    })
    expect(json.code).toBe(1)
  })

  it('say what to add where there is nothing', async () => {
    const { code, err } = await runCli(['validate'], { cwd: await checkout() })
    expect(err).toContain('slipway init')
    expect(code).toBe(1)
  })

  it('do not look at what git ignores, and need no git', async () => {
    const cwd = await checkout()
    await runCli(['init'], { cwd })
    await mkdir(join(cwd, 'build/.forge'), { recursive: true })
    await writeFile(join(cwd, 'build/.forge/project.yaml'), 'broken: [')
    await writeFile(join(cwd, '.gitignore'), 'build/\n')
    expect((await runCli(['validate'], { cwd })).code).toBe(0)
    const plain = await temporaryDirectory()
    await runCli(['init'], { cwd: plain })
    expect((await runCli(['validate'], { cwd: plain })).code).toBe(0)
  })

  it('refuse a link that leads out of the checkout', async () => {
    const cwd = await checkout()
    await runCli(['init'], { cwd })
    const outside = join(await temporaryDirectory(), 'secret.yaml')
    await writeFile(outside, 'token: hidden\n')
    await mkdir(join(cwd, 'web/.forge'), { recursive: true })
    await symlink(outside, join(cwd, 'web/.forge/project.yaml'))
    const { code, out, err } = await runCli(['validate'], { cwd })
    expect(code).not.toBe(0)
    expect(out + err).not.toContain('hidden')
    expect(err).toContain('out of')
  })
})
