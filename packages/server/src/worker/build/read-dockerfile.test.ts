import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { declaredArguments, readDockerfile, readSmall } from './read-dockerfile.ts'

describe('declaredArguments', () => {
  it.each([
    ['FROM scratch', []],
    ['ARG VERSION\nFROM node:${VERSION}\narg USE_CUDA=false', ['VERSION', 'USE_CUDA']],
    ['ARG A B=1 C="x y D" E=\'z F\'', ['A', 'B', 'C', 'E']],
    ['ARG A=1 \\\n  B=2 \\\n# between\n  C', ['A', 'B', 'C']],
    ['# escape=`\nARG A `\n  B', ['A', 'B']],
    ['RUN echo ARG X\n  # ARG Y\nENV ARG=1\nARG', []],
    ['  ARG\tX=${Y:-1}', ['X']],
    ['ARG LAST \\', ['LAST']],
    ['# syntax=docker/dockerfile:1\n# escape=`\nARG A `\n  B', ['A', 'B']],
    ['# a comment\n# escape=`\nARG A \\\n  B', ['A', 'B']],
    [`ARG A="x\\" B" C='D`, ['A', 'C']],
  ])('%j', (dockerfile, names) => {
    expect([...declaredArguments(dockerfile)]).toEqual(names)
  })
})

describe('declaredArguments of what nobody would write', () => {
  it.each([
    ['comments', `${'#\n'.repeat(200_000)}ARG A`, ['A']],
    ['directives', `${'# a=b\n'.repeat(100_000)}ARG A`, ['A']],
    ['blanks', `#${' '.repeat(500_000)}\nARG A`, ['A']],
    ['quotes that stay open', `ARG A B${'a\\"'.repeat(100_000)}`, ['A']],
  ])('comes to an end with many %s', (_, dockerfile, names) => {
    expect([...declaredArguments(dockerfile)]).toEqual(names)
  })
})

describe('readSmall', () => {
  async function tree(): Promise<string> {
    const root = await mkdtemp(join(tmpdir(), 'slipway-dockerfile-'))
    onTestFinished(() => rm(root, { recursive: true }))
    const directory = join(root, 'tree')
    await mkdir(join(directory, 'docker'), { recursive: true })
    await writeFile(join(root, 'outside'), 'secret')
    await writeFile(join(directory, 'docker', 'prod'), 'FROM scratch')
    return directory
  }

  it('reads a file, also through a link that stays in the tree', async () => {
    const directory = await tree()
    await symlink('docker/prod', join(directory, 'Dockerfile'))
    expect(await readDockerfile(directory, 'Dockerfile')).toBe('FROM scratch')
  })

  it('says what is not there, and refuses what is none', async () => {
    const directory = await tree()
    expect(await readSmall(directory, '.dockerignore')).toBeNull()
    await expect(readDockerfile(directory, 'Dockerfile')).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('no Dockerfile'),
    })
    await symlink('../outside', join(directory, 'out'))
    await symlink('self', join(directory, 'self'))
    await writeFile(join(directory, 'huge'), Buffer.alloc(1024 * 1024 + 1))
    for (const name of ['out', 'self', 'huge', 'docker']) {
      const error = await readSmall(directory, name).catch((thrown: unknown) => thrown)
      expect(error, name).toMatchObject({ code: 'invalid_request' })
    }
  })
})
