import { expect, it } from 'vitest'
import { cutsOff, leadsOutward, type NetworkPolicy } from './network-policy.ts'

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

const outward = { matchLabels: { 'slipway.dev/network': 'internet' } }
const somewhere = { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }

it.each([
  [{ podSelector: outward, policyTypes: all, egress: [somewhere] }, true],
  [{ podSelector: outward, policyTypes: all }, true],
  [{ podSelector: outward, policyTypes: all, egress: [somewhere, {}] }, false],
  [{ podSelector: outward, policyTypes: all, egress: [somewhere], ingress: [{}] }, false],
  [{ podSelector: outward, policyTypes: ['Egress'], egress: [somewhere] }, false],
  [{ podSelector: ours, policyTypes: all, egress: [somewhere] }, false],
  [undefined, false],
])('leadsOutward(%j) is %s', (spec, expected) => {
  expect(leadsOutward(policy(spec))).toBe(expected)
})
