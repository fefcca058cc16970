import { describe, expect, it } from 'vitest'
import { type Pod, readPod } from './pod-state.ts'

const metadata = { name: 'step-1', uid: 'u', resourceVersion: '1' }
const withState = (state: object, status: object = {}): Pod => ({
  metadata,
  spec: { nodeName: 'node-1' },
  status: { ...status, containerStatuses: [{ name: 'step', state }] },
})
const terminated = (exitCode: number, more: object = {}) => ({
  terminated: { exitCode, finishedAt: '2026-01-02T03:04:05Z', ...more },
})
const ended = {
  kind: 'ended',
  outOfMemory: false,
  interrupted: null,
  isLate: false,
  neverRan: false,
}

describe('readPod', () => {
  it.each([0, 3, 143])('tells the exit code %i of a container that ended by itself', (exitCode) => {
    expect(readPod(withState(terminated(exitCode)))).toEqual({ ...ended, exitCode })
  })

  it('tells that memory was short', () => {
    const state = terminated(137, { reason: 'OOMKilled' })
    expect(readPod(withState(state))).toMatchObject({ exitCode: 137, outOfMemory: true })
  })

  it('waits while nothing is known, and while its container runs', () => {
    const waiting = { kind: 'waiting', why: null, hope: 'yes' }
    expect(readPod({ metadata })).toEqual(waiting)
    expect(readPod(withState({ waiting: { reason: 'ContainerCreating' } }))).toEqual(waiting)
    expect(readPod(withState({ running: {} }))).toEqual({ kind: 'running' })
    // The phase is ahead of the container.
    expect(readPod(withState({ running: {} }, { phase: 'Failed' }))).toEqual({ kind: 'running' })
  })

  it.each([
    ['ErrImagePull', 'manifest unknown: not found', 'never'],
    ['ImagePullBackOff', 'Back-off pulling image: unauthorized', 'never'],
    ['ErrImagePull', 'dial tcp: i/o timeout', 'soon'],
    ['InvalidImageName', 'invalid reference format', 'never'],
    ['ErrImageNeverPull', 'not present with pull policy of Never', 'never'],
    ['CreateContainerConfigError', 'secret "x" not found', 'never'],
    ['RunContainerError', 'no such file', 'soon'],
  ])('has little hope of %s: %s', (reason, message, hope) => {
    const state = readPod(withState({ waiting: { reason, message } }))
    expect(state).toEqual({ kind: 'waiting', why: `${reason}: ${message}`, hope })
  })

  it('says why no node takes it', () => {
    const message = '0/3 nodes are available: 3 Insufficient memory.'
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
    expect(readPod({ metadata, status: { phase: 'Pending', conditions } })).toEqual({
      kind: 'waiting',
      why: `No node takes it: ${message}`,
      hope: 'yes',
    })
  })

  it.each([
    [
      { reason: 'Evicted', message: 'The node was low on resource: memory.' },
      /^Evicted from node node-1: The/,
    ],
    [{ reason: 'NodeLost' }, /lost node node-1/],
    [
      {
        reason: 'Terminated',
        message: 'Pod was terminated in response to imminent node shutdown.',
      },
      /shutdown/,
    ],
    [
      {
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'PreemptionByScheduler',
            message: 'made room',
          },
        ],
      },
      /PreemptionByScheduler.*made room/,
    ],
  ])('tells who ended it: %j', (status, message) => {
    const state = readPod(withState(terminated(137), { phase: 'Failed', ...status }))
    expect(state).toMatchObject({ kind: 'ended', interrupted: expect.stringMatching(message) })
  })

  it('has ended without its container where it was evicted before it ran', () => {
    const status = { phase: 'Failed', reason: 'OutOfmemory', message: 'Node didn’t have enough' }
    expect(readPod({ metadata, status })).toMatchObject({
      kind: 'ended',
      exitCode: null,
      interrupted: expect.stringContaining('OutOfmemory'),
    })
  })

  it('has not run where its first command cannot be run', () => {
    const message = 'exec: "/bin/sh": no such file or directory'
    expect(readPod(withState(terminated(128, { reason: 'StartError', message })))).toMatchObject({
      kind: 'ended',
      exitCode: null,
      interrupted: expect.stringContaining(message),
    })
  })

  it('tells a deletion from an end that came before it', () => {
    const deleted = (deletionTimestamp: string): Pod => ({
      ...withState(terminated(0)),
      metadata: { ...metadata, deletionTimestamp, deletionGracePeriodSeconds: 30 },
    })
    // Asked 30 s before the time that it says.
    expect(readPod(deleted('2026-01-02T03:04:36Z'))).toEqual({ ...ended, exitCode: 0 })
    expect(readPod(deleted('2026-01-02T03:04:35Z'))).toMatchObject({
      interrupted: 'Somebody deleted its pod.',
    })
  })

  it('knows nothing of one that is gone without a word', () => {
    expect(readPod(withState({ running: {} }), true)).toMatchObject({
      kind: 'ended',
      exitCode: null,
      interrupted: 'Its pod is gone.',
    })
  })

  it('knows the deadline of the cluster', () => {
    const status = { phase: 'Failed', reason: 'DeadlineExceeded' }
    expect(readPod(withState(terminated(137), status))).toMatchObject({
      isLate: true,
      interrupted: null,
    })
  })
})
