import type { Run } from '@slipway/contract/runs'
import { describe, expect, it } from 'vitest'
import { sampleRun } from '../../../../test/support/sample-run.ts'
import { createScreen } from '../../../../test/support/screen.ts'
import { showRun } from './show-run.ts'
import { createStyles } from './styles.ts'

function states(): Run[] {
  const first = sampleRun()
  first.phases = []
  const last = sampleRun()
  last.status = 'failed'
  last.completed_at = '2026-01-01T00:00:12.000Z'
  for (const phase of last.phases) {
    for (const task of phase.tasks) {
      for (const step of task.steps) if (step.status === 'running') step.status = 'failed'
    }
  }
  return [first, sampleRun(), last]
}

async function* from(runs: readonly Run[], error?: Error) {
  for (const run of runs) {
    yield run
    await Promise.resolve()
  }
  if (error) throw error
}

describe('showRun', () => {
  it('draws over what it drew, and leaves the whole tree behind', async () => {
    const { output, shown, written } = createScreen({ rows: 24 })
    const last = await showRun(output, createStyles(false), from(states()))
    expect(last?.status).toBe('failed')
    const lines = shown()
    expect(lines.filter((line) => line.includes('acme/shop'))).toHaveLength(1)
    expect(lines).toHaveLength(12)
    expect(lines.at(-1)).toBe('  · publish')
    expect(written().indexOf('\u001b[?25l')).toBeLessThan(written().lastIndexOf('\u001b[?25h'))
  })

  it('leaves no traces of shorter frames on a small terminal', async () => {
    const { output, shown } = createScreen({ rows: 6 })
    await showRun(output, createStyles(false), from(states()))
    expect(shown().filter((line) => line.includes('compile'))).toHaveLength(1)
    expect(shown()).toHaveLength(12)
  })

  it('gives the cursor back when watching fails', async () => {
    const { output, written } = createScreen({ rows: 24 })
    const gone = new Error('gone')
    await expect(showRun(output, createStyles(false), from(states(), gone))).rejects.toBe(gone)
    expect(written().endsWith('\u001b[?25h')).toBe(true)
  })

  it('prints a line for each change where there is no terminal', async () => {
    const { output, written } = createScreen({ rows: 24 })
    await showRun({ ...output, isTerminal: false }, createStyles(false), from(states()))
    expect(written()).not.toContain('\u001b')
    expect(written()).toContain('build/web/bundle  failed  1.0s  exit code 2\n')
  })
})
