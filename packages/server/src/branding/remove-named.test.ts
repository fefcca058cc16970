import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { removeNamed } from './remove-named.ts'

it('removes files of a name wherever they are, and follows no link', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-named-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const tree = join(root, 'tree')
  await mkdir(join(tree, 'a', 'b'), { recursive: true })
  await mkdir(join(root, 'outside'))
  for (const folder of [tree, join(tree, 'a', 'b'), join(root, 'outside')]) {
    await writeFile(join(folder, '.scratch'), 'x')
    await writeFile(join(folder, 'kept'), 'x')
  }
  await symlink(join(root, 'outside'), join(tree, 'linked'))
  await writeFile(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xe9])]), 'x')
  await removeNamed(tree, '.scratch')
  expect(await readdir(join(tree, 'a', 'b'))).toEqual(['kept'])
  expect(await readdir(tree)).not.toContain('.scratch')
  expect(await readdir(join(root, 'outside'))).toEqual(['.scratch', 'kept'])
})
