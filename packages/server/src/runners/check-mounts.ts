import { realpath } from 'node:fs/promises'
import { isAbsolute, normalize, sep } from 'node:path'

interface Mount {
  source: string
  target: string
  readOnly?: boolean | undefined
}

const onlyReading = /:ro$/

/** Targets that would let a mount replace what a container is made of. */
const reserved = ['/', '/proc', '/sys', '/dev']

/**
 * Whether mounts stay below the directories that a class allows, links resolved, and only read what it
 * lets them read (`:ro`). The sources of those that come back are the resolved ones: mount these, or a link
 * may have changed meanwhile.
 */
export async function checkMounts<M extends Mount>(
  allowed: readonly string[],
  mounts: readonly M[],
): Promise<{ mounts: M[]; problems: { path: string; message: string }[] }> {
  const roots = await Promise.all(
    allowed.map(async (entry) => ({
      path: await resolveLinks(entry.replace(onlyReading, '')),
      readOnly: onlyReading.test(entry),
    })),
  )
  const problems: { path: string; message: string }[] = []
  const resolved: M[] = []
  for (const [index, mount] of mounts.entries()) {
    const path = `/container/mounts/${index}`
    if (!isCleanPath(mount.target) || reserved.some((root) => isWithin(mount.target, root))) {
      problems.push({
        path: `${path}/target`,
        message: 'must be an absolute path below a directory of its own',
      })
    }
    if (!isCleanPath(mount.source)) {
      problems.push({
        path: `${path}/source`,
        message: 'must be an absolute path without . and ..',
      })
      continue
    }
    const source = await resolveLinks(mount.source)
    const around = roots.filter(({ path }) => path !== null && isBelow(source ?? '', path))
    if (source === null || around.length === 0) {
      problems.push({
        path: `${path}/source`,
        message: 'is not below what the runner class lets jobs mount',
      })
      continue
    }
    if (mount.readOnly !== true && around.some(({ readOnly }) => readOnly)) {
      problems.push({ path: `${path}/readOnly`, message: 'must be true below this directory' })
      continue
    }
    resolved.push({ ...mount, source })
  }
  return { mounts: resolved, problems }
}

function isCleanPath(path: string): boolean {
  return isAbsolute(path) && normalize(path) === path && !/[\u0000:]/.test(path)
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

function isWithin(path: string, root: string): boolean {
  return root === '/' ? path === '/' : isBelow(path, root)
}

/** Null: there is no such thing, or it cannot be looked at. */
async function resolveLinks(path: string): Promise<string | null> {
  return realpath(path).catch(() => null)
}
