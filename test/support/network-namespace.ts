import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Nobody's. */
const nowhere = '02:00:00:00:00:99'

/** A machine of its own as far as the network goes, with a cable to this one; needs root and iproute2. */
export interface NetworkNamespace {
  /** Of this machine, as seen from there. */
  readonly address: string
  /** What a program is started with to be there. */
  readonly command: readonly string[]
  /** What is sent from now on gets lost without a word; `back`: only what this machine sends there. */
  cut(ways: 'both' | 'back'): Promise<void>
  mend(): Promise<void>
  close(): Promise<void>
}

export async function createNetworkNamespace(): Promise<NetworkNamespace> {
  const id = `${process.pid % 100_000}-${randomInt(1000)}`
  const name = `slipway-${id}`
  const [here, there] = [`sa${id}`, `sb${id}`]
  const net = `10.${randomInt(64, 250)}.${randomInt(250)}`
  const [address, other] = [`${net}.1`, `${net}.2`]
  const ip = (...args: string[]) => run('ip', args)
  const inside = (...args: string[]) => ip('-netns', name, ...args)
  const macOf = async (device: string, ...where: string[]) => {
    const { stdout } = await run('ip', [...where, '-json', 'link', 'show', device])
    return (JSON.parse(stdout) as { address: string }[])[0]?.address ?? ''
  }
  const close = async () => {
    await ip('link', 'delete', here).catch(() => undefined)
    await ip('netns', 'delete', name)
  }
  await ip('netns', 'add', name)
  try {
    await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name)
    await ip('address', 'add', `${address}/30`, 'dev', here)
    await inside('address', 'add', `${other}/30`, 'dev', there)
    await ip('link', 'set', here, 'up')
    await inside('link', 'set', there, 'up')
    await inside('link', 'set', 'lo', 'up')
    const macs = { here: await macOf(here), there: await macOf(there, '-netns', name) }
    const lead = async (mac: typeof macs) => {
      await ip('neigh', 'replace', other, 'lladdr', mac.there, 'dev', here, 'nud', 'permanent')
      await inside(
        'neigh',
        'replace',
        address,
        'lladdr',
        mac.here,
        'dev',
        there,
        'nud',
        'permanent',
      )
    }
    await lead(macs)
    return {
      address,
      command: ['nsenter', `--net=/run/netns/${name}`],
      cut: (ways) => lead({ here: ways === 'both' ? nowhere : macs.here, there: nowhere }),
      mend: () => lead(macs),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
