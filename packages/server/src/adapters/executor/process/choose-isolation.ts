import { bubblewrap, bubblewrapFlavours } from './bubblewrap.ts'
import { findTool } from './find-tool.ts'
import type { Isolation, IsolationMode } from './isolation.ts'
import type { SandboxView } from './sandbox-view.ts'
import { unisolated } from './unisolated.ts'
import { unshare, unshareFlavours } from './unshare.ts'

export interface ChooseDeps {
  view: SandboxView
  /** An own, empty-able directory for what an isolation needs on disk. */
  directory: string
  allowUnisolated: boolean
  /** Runs a command that does nothing; null when that worked, else what was said. */
  attempt(isolation: Isolation): Promise<string | null>
}

/** The strictest isolation that really works on this machine, or why there is none. */
export async function chooseIsolation(
  deps: ChooseDeps,
  only: IsolationMode | null,
): Promise<{ isolation: Isolation } | { refusals: readonly string[] }> {
  const refusals: string[] = []
  const tryOut = async (isolation: Isolation): Promise<boolean> => {
    const refusal = await deps.attempt(isolation)
    if (refusal !== null) refusals.push(`${isolation.description}: ${refusal}`)
    return refusal === null
  }

  if (only === null || only === 'bubblewrap') {
    const program = await findTool('bwrap')
    if (program === null) refusals.push('bubblewrap: bwrap is not installed')
    else {
      for (const flavour of bubblewrapFlavours) {
        const isolation = bubblewrap(program, deps.view, flavour)
        if (await tryOut(isolation)) return { isolation }
      }
    }
  }
  if (only === null || only === 'unshare') {
    const [program, setpriv] = await Promise.all([findTool('unshare'), findTool('setpriv')])
    if (program === null || setpriv === null) {
      refusals.push('unshare: util-linux (unshare, setpriv) is not installed')
    } else {
      for (const flavour of unshareFlavours) {
        const tools = { unshare: program, setpriv }
        const isolation = await unshare(tools, deps.view, flavour, deps.directory)
        if (await tryOut(isolation)) return { isolation }
      }
    }
  }
  if ((only === null || only === 'unisolated') && deps.allowUnisolated) {
    return { isolation: unisolated }
  }
  return { refusals }
}
