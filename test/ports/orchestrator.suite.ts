import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type NewWorkflow,
  type ObservedWorkflow,
  type Orchestrator,
  OrchestratorError,
} from '../../packages/server/src/ports/orchestrator.ts'

/** An orchestrator with what it submits to, for one test. */
export interface OrchestratorUnderTest {
  orchestrator: Orchestrator
  /** Names of the workflows that there are. */
  names(): string[]
  /** Has a workflow end. */
  end(name: string, state: 'succeeded' | 'failed'): Promise<void>
  /** Removes a workflow behind the orchestrator's back. */
  remove(name: string): Promise<void>
  /** Puts something of somebody else in the place of a workflow. */
  occupy(name: string): Promise<void>
  /** Loses the answer of the next submission, after it was done. */
  loseAnswer(): void
  takeAway(): Promise<void>
  bringBack(): Promise<void>
  /** Breaks off connections that are open. */
  interrupt(): void
  /** Forgets what happened so far, so that nobody can go on from before. */
  forget(): void
  /** Must appear in no error. */
  secrets: readonly string[]
  dispose(): Promise<void>
}

/** What every orchestrator must do. */
export function orchestratorSuite(name: string, make: () => Promise<OrchestratorUnderTest>): void {
  describe(`orchestrator: ${name}`, () => {
    let subject: OrchestratorUnderTest
    let orchestrator: Orchestrator
    let stop: AbortController
    beforeEach(async () => {
      subject = await make()
      ;({ orchestrator } = subject)
      stop = new AbortController()
    })
    afterEach(async () => {
      stop.abort()
      await subject.dispose()
    })

    const signal = () => AbortSignal.timeout(15_000)
    const workflow = (number = 1): NewWorkflow => ({
      name: `slipway-run-0198c5a2-8d4e-7c3a-9f10-00000000000${number}`,
      runId: `0198c5a2-8d4e-7c3a-9f10-00000000000${number}`,
      repository: 'acme/shop',
      branch: 'feature/ümlaut',
      commitSha: 'abc123def456',
      triggeredBy: 'alice@company.com',
    })
    const refusal = async (call: Promise<unknown>): Promise<OrchestratorError> => {
      const error = await call.then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(OrchestratorError)
      for (const secret of subject.secrets) expect(String(error)).not.toContain(secret)
      return error as OrchestratorError
    }

    it('makes one workflow for a run, however often it is submitted', async () => {
      const first = await orchestrator.submit(workflow(), signal())
      const again = await Promise.all(
        [1, 2, 3].map(() => orchestrator.submit(workflow(), signal())),
      )
      expect(again).toEqual([first, first, first])
      expect(subject.names()).toEqual([workflow().name])
      expect(await orchestrator.find(workflow().name, signal())).toMatchObject({
        name: workflow().name,
        runId: workflow().runId,
        uid: first.uid,
        state: 'running',
        stopping: false,
      })
    })

    it('finds what was submitted although its answer was lost', async () => {
      subject.loseAnswer()
      expect((await refusal(orchestrator.submit(workflow(), signal()))).reason).toBe('away')
      const { uid } = await orchestrator.submit(workflow(), signal())
      expect(subject.names()).toEqual([workflow().name])
      expect((await orchestrator.find(workflow().name, signal()))?.uid).toBe(uid)
    })

    it('knows nothing of what is not there', async () => {
      expect(await orchestrator.find('nothing', signal())).toBeNull()
      await orchestrator.terminate({ name: 'nothing', uid: 'x' }, signal())
    })

    it('takes nothing of somebody else for its own', async () => {
      await subject.occupy(workflow().name)
      expect((await refusal(orchestrator.submit(workflow(), signal()))).reason).toBe('refused')
      expect(await orchestrator.find(workflow().name, signal())).toBeNull()
    })

    it('terminates a workflow, once and as often as it is asked, and no other one of its name', async () => {
      const { name: is } = workflow()
      const { uid } = await orchestrator.submit(workflow(), signal())
      await orchestrator.terminate({ name: is, uid: 'another' }, signal())
      expect(await orchestrator.find(is, signal())).toMatchObject({ stopping: false })
      for (let n = 0; n < 2; n++) await orchestrator.terminate({ name: is, uid }, signal())
      expect(await orchestrator.find(is, signal())).toMatchObject({ stopping: true })
    })

    it('leaves alone what has ended', async () => {
      const { name: is } = workflow()
      const { uid } = await orchestrator.submit(workflow(), signal())
      await subject.end(is, 'succeeded')
      await orchestrator.terminate({ name: is, uid }, signal())
      expect(await orchestrator.find(is, signal())).toMatchObject({
        state: 'succeeded',
        stopping: false,
      })
    })

    /** What a follower was told, as lines; `listed` marks the end of what was there. */
    function follow(): {
      told: string[]
      latest: Map<string, ObservedWorkflow>
      done: Promise<void>
    } {
      const told: string[] = []
      const latest = new Map<string, ObservedWorkflow>()
      const done = orchestrator.follow(
        {
          changed(seen) {
            latest.set(seen.name, seen)
            told.push(`${seen.runId.slice(-1)} ${seen.state}${seen.stopping ? ' stopping' : ''}`)
          },
          gone(seen) {
            latest.delete(seen.name)
            told.push(`${seen.runId.slice(-1)} gone`)
          },
          listed: () => void told.push('listed'),
          failed: () => void told.push('failed'),
        },
        stop.signal,
      )
      return { told, latest, done }
    }
    const until = (told: readonly string[], line: string) =>
      expect.poll(() => told, { timeout: 15_000 }).toContain(line)

    it('tells what is there, and then each change', async () => {
      await orchestrator.submit(workflow(1), signal())
      const { told, done } = follow()
      await until(told, 'listed')
      expect(told).toEqual(['1 running', 'listed'])
      const { uid } = await orchestrator.submit(workflow(2), signal())
      await until(told, '2 running')
      await orchestrator.terminate({ name: workflow(2).name, uid }, signal())
      await until(told, '2 running stopping')
      await subject.end(workflow(1).name, 'failed')
      await until(told, '1 failed')
      await subject.remove(workflow(1).name)
      await until(told, '1 gone')
      stop.abort()
      await done
    })

    it('tells of what changed while it could not be asked', async () => {
      await orchestrator.submit(workflow(1), signal())
      await orchestrator.submit(workflow(2), signal())
      const { told, latest } = follow()
      await until(told, 'listed')
      await subject.takeAway()
      await until(told, 'failed')
      await subject.end(workflow(1).name, 'succeeded')
      await subject.remove(workflow(2).name)
      subject.forget()
      await subject.bringBack()
      await until(told, '1 succeeded')
      await until(told, '2 gone')
      expect([...latest.keys()]).toEqual([workflow(1).name])
    })

    it('goes on after a connection that breaks off', async () => {
      const { told } = follow()
      await until(told, 'listed')
      subject.interrupt()
      await until(told, 'failed')
      await orchestrator.submit(workflow(1), signal())
      await until(told, '1 running')
    })

    it('says that it is away, and is healthy again when it is back', async () => {
      await orchestrator.check()
      await subject.takeAway()
      expect((await refusal(orchestrator.submit(workflow(), signal()))).reason).toBe('away')
      expect((await refusal(orchestrator.find('x', signal()))).reason).toBe('away')
      expect((await refusal(orchestrator.check())).reason).toBe('away')
      await subject.bringBack()
      await orchestrator.check()
      await orchestrator.submit(workflow(), signal())
    })

    it('ends with the reason of its signal', async () => {
      const reason = new Error('enough')
      const aborted = AbortSignal.abort(reason)
      await expect(orchestrator.submit(workflow(), aborted)).rejects.toBe(reason)
      await expect(orchestrator.find('x', aborted)).rejects.toBe(reason)
    })
  })
}
