import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { StartupError } from '../../errors.ts'

const run = promisify(execFile)

/** As whom PostgreSQL runs: it refuses to be root. */
export interface Identity {
  /** What goes before its command. */
  prefix: readonly string[]
  /** Set where it runs as another user, who then must own its directory. */
  user: { name: string; uid: number; gid: number } | null
}

interface User {
  name: string
  uid: number
  gid: number
}

/**
 * As oneself, normally. Root gets a user namespace of its own, in which it is somebody else and yet
 * may go where root may; where those are forbidden, an unprivileged user. Whoever owns an existing
 * cluster (`owner`, a uid) stays its owner.
 */
export async function chooseIdentity(owner: number | null): Promise<Identity> {
  const uid = process.getuid?.() ?? -1
  const users = await readUsers()
  const nameless = process.platform === 'linux' && !users.some((user) => user.uid === uid)
  if (uid !== 0 && !nameless) return { prefix: [], user: null }
  if (owner === null || owner === uid) {
    const inside = users.find(isOrdinary) ?? { uid: 1000, gid: 1000 }
    const prefix = ['unshare', '-U', `--map-user=${inside.uid}`, `--map-group=${inside.gid}`]
    if (await works([...prefix, 'true'])) return { prefix, user: null }
    if (uid !== 0) return { prefix: [], user: null }
  }
  const user = users.find((candidate) =>
    owner === null || owner === 0 ? isOrdinary(candidate) : candidate.uid === owner,
  )
  if (user === undefined) {
    throw new StartupError(
      'PostgreSQL does not run as root, and there is neither a user namespace nor a user "postgres" or ' +
        '"nobody" for it: start Slipway as an ordinary user, or set DATABASE_URL',
    )
  }
  return { prefix: [], user }
}

/** Of the users that nobody logs in as, the one made for this comes first. */
function isOrdinary(user: User): boolean {
  return (user.name === 'postgres' || user.name === 'nobody') && user.uid !== 0
}

async function works([command = '', ...args]: string[]): Promise<boolean> {
  return run(command, args, { timeout: 5_000 }).then(
    () => true,
    () => false,
  )
}

async function readUsers(): Promise<User[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const users = text.split('\n').flatMap((line): User[] => {
    const [name = '', , uid = '', gid = ''] = line.split(':')
    return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: +uid, gid: +gid }] : []
  })
  const rank = (user: User) => (user.name === 'postgres' ? 0 : 1)
  return users.toSorted((a, b) => rank(a) - rank(b))
}
