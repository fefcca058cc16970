import { readdirSync } from 'node:fs'
import { RewriteError } from './rewrite-text.js'

/**
 * The regular files below a directory, as paths relative to it, in the order of their bytes. Nothing
 * called `.git` is looked into, and no symbolic link followed. Names need not be UTF-8, so paths are
 * bytes written as Latin-1.
 * @param {string} directory
 * @param {number} maxFiles
 * @returns {string[]}
 */
export function listFiles(directory, maxFiles) {
  /** @type {string[]} */
  const files = []
  const pending = ['']
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = readdirSync(pathOf(directory, folder), {
      withFileTypes: true,
      encoding: 'buffer',
    })
    for (const entry of entries) {
      const name = entry.name.toString('latin1')
      if (name.toLowerCase() === '.git') continue
      const path = folder === '' ? name : `${folder}/${name}`
      if (entry.isDirectory()) pending.push(path)
      else if (entry.isFile()) files.push(path)
      if (files.length > maxFiles) {
        throw new RewriteError(`The repository has more than ${maxFiles} files`)
      }
    }
  }
  return files.toSorted((a, b) => (a < b ? -1 : 1))
}

/**
 * @param {string} directory
 * @param {string} path of `listFiles`
 */
export function pathOf(directory, path) {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')])
}

/**
 * A path of `listFiles` for people and globs: what is not UTF-8 is shown as `�`.
 * @param {string} path
 */
export function nameOf(path) {
  return Buffer.from(path, 'latin1').toString()
}
