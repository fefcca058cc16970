import { type DutyDeps, startDuty } from '../../duties/index.ts'
import { containerLabels } from '../delegation-work.ts'
import type { HookDeps } from './deps.ts'
import { endSilent, silentMs } from './end-silent.ts'

const minuteMs = 60_000

/** Starts what is done unasked about jobs of proxies: those that nobody wants any more end. */
export function startHookDuties(
  deps: DutyDeps & HookDeps,
  options: {
    /** Of the data directory. */
    home: string
  },
): { close(): Promise<void> } {
  const duties = [
    startDuty(deps, {
      name: 'runner-hooks-silent',
      everyMs: minuteMs,
      run: async (signal) => {
        await endSilent(deps, { before: new Date(Date.now() - silentMs), signal })
      },
    }),
    startDuty(deps, {
      name: `runner step images of ${options.home}`,
      everyMs: 30 * minuteMs,
      run: (signal) => removeStepImages(deps, signal),
    }),
  ]
  return {
    async close() {
      await Promise.all(duties.map((duty) => duty.close()))
    },
  }
}

/** Images of steps whose job has ended: of a server that died with them. */
async function removeStepImages(
  { db, images, owner }: HookDeps,
  signal: AbortSignal,
): Promise<void> {
  // There need be no engine.
  const all = await images.list(containerLabels.delegation).catch(() => [])
  const own = all.filter(({ labels }) => labels[containerLabels.owner] === owner)
  for (const { id, labels } of own) {
    signal.throwIfAborted()
    const row = await db
      .selectFrom('delegations')
      .select('status')
      .where('id', '=', labels[containerLabels.delegation] ?? '')
      .where('status', 'in', ['queued', 'assigned', 'running'])
      .executeTakeFirst()
    if (row === undefined) await images.remove(id)
  }
}
