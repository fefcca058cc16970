import { access, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { giveSecrets } from './give-secrets.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-secrets-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
})

const of = (values: Record<string, string>, refusal: string | null = null) => ({
  repository: 'acme/shop',
  values,
  refusal,
})
const wanted = (...names: string[]) => names.map((name) => ({ name, env: name, file: false }))
const give = (input: Pick<Parameters<typeof giveSecrets>[0], 'wanted' | 'secrets'>) =>
  giveSecrets({ folder, id: 'step', ...input })

describe('giveSecrets', () => {
  it('makes variables, and files that nobody else may read, until they are removed', async () => {
    const given = await give({
      wanted: [...wanted('A'), { name: 'a.pem', env: 'B_FILE', file: true }],
      secrets: of({ A: 'one', 'a.pem': 'two', UNASKED: 'three' }),
    })
    const file = join(folder, 'step', 'a.pem')
    expect(given.env).toEqual({ A: 'one', B_FILE: file })
    expect(given.readOnly).toEqual([join(folder, 'step')])
    expect(await readFile(file, 'utf8')).toBe('two')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'step'))).mode & 0o777).toBe(0o700)
    await given.remove()
    await given.remove()
    await expect(access(join(folder, 'step'))).rejects.toThrow('ENOENT')
  })

  it.each([
    [of({}), 'Secrets A, constructor are not defined for acme/shop, nor for acme'],
    [of({ A: 'x' }), 'Secret constructor is not defined'],
    [of({}, 'Not for you'), 'Not for you'],
    [of({ A: 'x'.repeat(1_048_577), constructor: 'x' }), 'take some as files'],
  ])('gives nothing at all where something is missing', async (secrets, message) => {
    await expect(give({ wanted: wanted('A', 'constructor'), secrets })).rejects.toThrow(message)
    expect(await readdir(folder)).toEqual([])
  })

  it('asks for nothing where nothing is wanted', async () => {
    const given = await give({ wanted: [], secrets: of({}, 'Not for you') })
    expect(given).toMatchObject({ env: {}, readOnly: [] })
  })
})
