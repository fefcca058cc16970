import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { namesOfOthers } from '../../packages/server/src/config/names-of-others.ts'
import { settings } from '../../packages/server/src/config/settings.ts'
import { routeGuards } from '../../packages/server/src/http/route-permissions.ts'
import { refusal } from '../support/cli-help.ts'
import {
  codeSpans,
  fencedBlocks,
  type MarkdownPage,
  readPages,
  repositoryRoot,
} from '../support/markdown.ts'

const run = promisify(execFile)
let pages: MarkdownPage[]
beforeAll(async () => void (pages = await readPages()))

/** Lines of a shell block, continued ones joined, comments gone. */
function shellLines(content: string): string[] {
  return content
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
}

const word = String.raw`"[^"]*"|'[^']*'|[^\s"'()|;&<>]+`
const invocation = new RegExp(
  String.raw`(?:^|&&|[;|(])\s*(?:\w+=\S*\s+)*(?:npx )?slipway((?:\s+(?:${word}))*)`,
  'g',
)

/** The words behind each `slipway` of a shell line. */
function invocations(line: string): string[][] {
  return [...line.matchAll(invocation)].map(([, words = '']) =>
    [...words.matchAll(new RegExp(word, 'g'))].map(([text]) => text.replaceAll(/["']/g, '')),
  )
}

function shellOf({ text }: MarkdownPage): string[] {
  return fencedBlocks(text)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ content }) => shellLines(content))
}

/** The words behind `slipway` in each code span, without the brackets of what may be left out. */
function spokenOf({ text }: MarkdownPage): string[][] {
  return codeSpans(text)
    .map((code) => /^(?:npx )?slipway(?:\s+(.*))?$/.exec(code))
    .filter((match) => match !== null)
    .map(([, words = '']) =>
      words
        .replaceAll(/[[\]…]/g, ' ')
        .split(/\s+/)
        .filter(Boolean),
    )
}

describe('the command line in the pages', () => {
  it('is what the command takes', async () => {
    const shown = pages.flatMap((page) => shellOf(page).flatMap(invocations))
    expect(shown.length).toBeGreaterThan(20)
    const refused = await Promise.all(shown.map((words) => refusal(words, { complete: true })))
    expect(refused.filter((reason) => reason !== null)).toEqual([])
  })

  it('is what the command takes in sentences, too', async () => {
    const spoken = pages.flatMap(spokenOf)
    expect(spoken).toContainEqual(expect.arrayContaining(['run', 'start']))
    const refused = await Promise.all(spoken.map((words) => refusal(words, { complete: false })))
    expect(refused.filter((reason) => reason !== null)).toEqual([])
  })

  it('asks the server’s program only for what it can do', async () => {
    const main = join(repositoryRoot, 'packages/server/dist/main.js')
    const { stdout } = await run(process.execPath, [main, '--help'])
    const known = [...stdout.matchAll(/^ {2}([\w-]+)/gm)].map(([, name]) => name)
    const shown = pages.flatMap((page) => [
      ...shellOf(page).flatMap((line) =>
        [...line.matchAll(/server\/dist\/main\.js ([\w-]+)/g)].map(([, name]) => name),
      ),
      ...[...shellOf(page).flatMap(invocations), ...spokenOf(page)]
        .map(([name]) => name)
        .filter((name) => name === 'serve' || name === 'worker' || name === 'migrate'),
    ])
    expect(known).toContain('serve')
    expect(shown).toContain('serve')
    expect(shown.filter((name) => !known.includes(name))).toEqual([])
  })
})

describe('the pages', () => {
  it('name scripts of npm that there are', async () => {
    const manifest = await readFile(join(repositoryRoot, 'package.json'), 'utf8')
    const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> }
    const named = pages.flatMap((page) =>
      [...shellOf(page), ...codeSpans(page.text)].flatMap((line) =>
        [...line.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
          ([, script, short]) => script ?? short ?? '',
        ),
      ),
    )
    expect(named).toContain('demo')
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })

  it('name settings that there are', () => {
    const named = new Set(pages.flatMap(({ text }) => text.match(/\bSLIPWAY_[A-Z_]*[A-Z]/g) ?? []))
    const known = new Set([...Object.keys(settings), ...namesOfOthers])
    expect(named).toContain('SLIPWAY_DATA_DIR')
    expect([...named].filter((name) => !known.has(name))).toEqual([])
  })

  it('name routes that there are', () => {
    const routes = Object.keys(routeGuards).map((route) => route.replaceAll(/:\w+/g, '{}'))
    const paths = new Set(routes.map((route) => route.split(' ')[1]))
    const plain = (route: string) => route.replaceAll(/\{\w+\}/g, '{}').replace(/\?.*$/, '')
    const spoken = pages.flatMap(({ text }) =>
      codeSpans(text).filter((code) => /^(GET|POST|PUT|PATCH|DELETE) \/\S+$/.test(code)),
    )
    const asked = pages.flatMap((page) =>
      shellOf(page).flatMap((line) =>
        [...line.matchAll(/http:\/\/127\.0\.0\.1:3000(\/[^\s"'?]*)/g)].map(([, path = '']) => path),
      ),
    )
    expect(spoken).toContain('GET /v1/runs/{id}')
    expect(asked).toContain('/v1/events')
    expect(spoken.filter((route) => !routes.includes(plain(route)))).toEqual([])
    const known = [...paths].map(
      (path = '') =>
        new RegExp(
          `^${path.replaceAll('.', '\\.').replaceAll('{}', '[^/]+').replace(/\*$/, '.+')}$`,
        ),
    )
    expect(asked.filter((path) => !known.some((route) => route.test(path)))).toEqual([])
  })
})

describe('what the command would not take', () => {
  it.each([
    ['slipway run strat', 'slipway run has no command strat'],
    ['npx slipway run start --wach', 'slipway run start has no option --wach'],
    ['RUN=$(slipway run watch)', 'slipway run watch lacks an argument'],
    ['git push && slipway validate one two', 'slipway validate takes no 2 arguments'],
    ['A=b slipway list | head', 'slipway has no command list'],
  ])('is found in %s', async (line, reason) => {
    const [words = []] = invocations(line)
    expect(await refusal(words, { complete: true })).toBe(reason)
  })

  it.each([
    'slipway --json run create -r acme/shop --branch main # and so on',
    'source <(slipway completion bash)',
    "slipway events --after 0 --type 'pipeline.run.*'",
    'slipway logs --follow "$RUN" slowly',
  ])('is nothing in %s', async (line) => {
    const [words = ['nothing']] = shellLines(line).flatMap(invocations)
    expect(await refusal(words, { complete: true })).toBeNull()
  })

  it('is not looked for in other programs’ arguments', () => {
    expect(invocations('sudo systemctl stop slipway')).toEqual([])
    expect(invocations('cd /opt/slipway && ls')).toEqual([])
  })
})
