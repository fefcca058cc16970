import { describe, expect, it } from 'vitest'
import { fingerprintOf, lateEnvironment, type WarmSpec } from './warm-spec.ts'

const warm: WarmSpec = {
  image: 'image:1',
  command: ['run.sh'],
  env: { A: '1', B: '2' },
  workdir: null,
  user: null,
  mounts: [],
  network: 'bridge',
  idle: false,
  limits: { memoryBytes: 1, cpus: null, pids: 10, diskBytes: null },
}

describe('lateEnvironment', () => {
  it('is what the job has beyond its class', () => {
    expect(lateEnvironment(warm, warm)).toEqual({})
    const env = { ...warm.env, B: 'other', GITHUB_SHA: 'abc' }
    expect(lateEnvironment(warm, { ...warm, env })).toEqual({ B: 'other', GITHUB_SHA: 'abc' })
  })

  it.each<Partial<WarmSpec>>([
    { image: 'image:2' },
    { command: ['other'] },
    { command: null },
    { workdir: '/x' },
    { user: '1' },
    { network: 'none' },
    { idle: true },
    { mounts: [{ source: '/a', target: '/b', readOnly: true }] },
    { limits: { ...warm.limits, memoryBytes: 2 } },
    { env: { A: '1' } },
    { env: { ...warm.env, 'a-b': '1' } },
  ])('is none for a container that would have to be another: %j', (change) => {
    expect(lateEnvironment(warm, { ...warm, ...change })).toBeNull()
  })
})

describe('fingerprintOf', () => {
  it('is the same for the same containers alone', () => {
    const env = { B: '2', A: '1' }
    expect(fingerprintOf({ ...warm, env })).toBe(fingerprintOf(warm))
    expect(fingerprintOf({ ...warm, env: { ...env, C: '' } })).not.toBe(fingerprintOf(warm))
    expect(fingerprintOf({ ...warm, user: '1' })).not.toBe(fingerprintOf(warm))
  })
})
