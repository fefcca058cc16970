import type { Run } from '@slipway/contract/runs'
import { describe, expect, it } from 'vitest'
import { sampleRun } from '../../../../test/support/sample-run.ts'
import { renderRunTree } from './run-tree.ts'
import { createStyles } from './styles.ts'

const render = (run: Run, options: Partial<Parameters<typeof renderRunTree>[1]> = {}) =>
  renderRunTree(run, {
    styles: createStyles(false),
    now: Date.parse('2026-01-01T00:00:10Z'),
    frame: 0,
    columns: 100,
    rows: 100,
    ...options,
  })

describe('renderRunTree', () => {
  it('shows phases, tasks and steps with state and time', () => {
    expect(render(sampleRun())).toEqual([
      'acme/shop main abcdef12',
      '⠋ run 00000000-0000-4000-8000-000000000001  10.0s',
      '  ✔ check  2.0s',
      '    ✔ api  2.0s',
      '      ✔ lint  1.0s',
      '      ✔ types  2.0s',
      '  ⠋ build  8.0s',
      '    ⠋ api  8.0s  attempt 2',
      '      ⠋ compile  8.0s',
      '    ✖ web  1.0s',
      '      ✖ bundle  1.0s  exit code 2',
      '  · publish',
    ])
  })

  it('turns the mark of what runs', () => {
    expect(render(sampleRun(), { frame: 1 })[1]).toMatch(/^⠙ run/)
  })

  it.each([9, 8, 6, 5, 3])('fits %i rows, and keeps what runs as long as it can', (rows) => {
    const lines = render(sampleRun(), { rows })
    expect(lines.length).toBeLessThanOrEqual(rows)
    if (rows >= 9) expect(lines.join('\n')).toContain('compile')
    if (rows >= 5) expect(lines.join('\n')).toContain('build')
  })

  it('cuts what is too wide', () => {
    for (const line of render(sampleRun(), { columns: 20 }))
      expect(line.length).toBeLessThanOrEqual(20)
  })

  it('gives no terminal what a name should not hold', () => {
    const run = sampleRun()
    run.phases[0]!.tasks[0]!.project_name = 'api\u001b[2J\nx'
    expect(render(run)[3]).toBe('    ✔ api x  2.0s')
  })
})
