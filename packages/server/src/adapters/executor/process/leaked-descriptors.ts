import { readFile, readdir } from 'node:fs/promises'

/** Beyond this an open file of the server's parent is not looked for. */
const highest = 1024
const closeOnExec = 0o2000000

/**
 * Descriptors that the server was started with and that every child would inherit: whoever started
 * it forgot to close them (node marks only those next to stdio). A command must not get them.
 */
export async function listLeakedDescriptors(): Promise<number[]> {
  const names = await readdir('/proc/self/fdinfo').catch(() => [])
  const leaked = await Promise.all(
    names.map(async (name) => {
      const descriptor = Number(name)
      if (!(descriptor > 2) || descriptor > highest) return null
      const info = await readFile(`/proc/self/fdinfo/${name}`, 'utf8').catch(() => '')
      const flags = /^flags:\s+([0-7]+)$/m.exec(info)?.[1]
      if (flags === undefined) return null
      return (Number.parseInt(flags, 8) & closeOnExec) === 0 ? descriptor : null
    }),
  )
  return leaked.filter((descriptor) => descriptor !== null)
}
