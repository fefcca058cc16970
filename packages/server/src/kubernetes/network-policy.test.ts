import { expect, it } from 'vitest'
import { cutsOff, type NetworkPolicy } from './network-policy.ts'

const policy = (spec: NetworkPolicy['spec']): NetworkPolicy => ({
  metadata: { name: 'slipway-no-network', uid: 'u', resourceVersion: '1' },
  ...(spec === undefined ? {} : { spec }),
})
const all = ['Ingress', 'Egress']
const ours = { matchLabels: { 'slipway.dev/network': 'none' } }

it.each([
  [{ podSelector: ours, policyTypes: all }, true],
  [{ podSelector: ours, policyTypes: all, ingress: [], egress: [] }, true],
  [{ podSelector: {}, policyTypes: all }, true],
  [{ podSelector: ours, policyTypes: ['Ingress'] }, false],
  [{ podSelector: ours, policyTypes: all, egress: [{}] }, false],
  [{ podSelector: ours, policyTypes: all, ingress: [{}] }, false],
  [{ podSelector: { matchLabels: { app: 'other' } }, policyTypes: all }, false],
  [{ podSelector: { matchExpressions: [{}] }, policyTypes: all }, false],
  [undefined, false],
])('cutsOff(%j) is %s', (spec, expected) => {
  expect(cutsOff(policy(spec))).toBe(expected)
})
