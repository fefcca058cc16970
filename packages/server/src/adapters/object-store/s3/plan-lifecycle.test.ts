import { describe, expect, it } from 'vitest'
import { planLifecycle } from './plan-lifecycle.ts'

const environments = [
  { name: 'dev', logsDays: 7 },
  { name: 'production', logsDays: 90 },
  { name: 'archive', logsDays: 400 },
]

describe('planLifecycle', () => {
  it('expires logs by the environment of their tag, two days after the server would have', () => {
    const [dev, production] = planLifecycle({ prefix: 'ci/', runsDays: 100, environments })
    expect(dev).toEqual({
      ID: 'slipway:ci/:logs dev',
      Status: 'Enabled',
      Filter: {
        And: {
          Prefix: 'ci/pipeline-runs/',
          Tags: [{ Key: 'slipway-retention', Value: 'dev' }],
        },
      },
      Expiration: { Days: 9 },
    })
    expect(production?.Expiration).toEqual({ Days: 92 })
  })

  it('keeps nothing of a run for longer than the run', () => {
    const rules = planLifecycle({ prefix: '', runsDays: 90, environments })
    expect(rules.map(({ ID, Expiration }) => [ID, Expiration?.Days])).toEqual([
      ['slipway::logs dev', 9],
      ['slipway::runs', 92],
      ['slipway::uploads', undefined],
      ['slipway::probes', 1],
    ])
  })

  it('expires nothing outside of what runs leave behind', () => {
    for (const rule of planLifecycle({ prefix: 'a/', runsDays: 90, environments })) {
      if (rule.Expiration === undefined) continue
      const prefix = rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix
      expect(['a/pipeline-runs/', 'a/~check/']).toContain(prefix)
    }
  })
})
