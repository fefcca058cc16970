import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Reconciler } from '../../packages/server/src/ports/reconciler.ts'

/** A reconciler with what it watches, for one test. */
export interface ReconcilerUnderTest {
  reconciler: Reconciler
  /** Makes a commit on top of the newest one, which nobody has reconciled yet. */
  commit(): Promise<string>
  /** Has the newest commit reconciled, and with it those below. */
  reconcile(): Promise<void>
  /** Takes what it watches away. */
  takeAway(): Promise<void>
  /** Must appear in no reason. */
  secrets: readonly string[]
  dispose(): Promise<void>
}

/** What every reconciler must do. */
export function reconcilerSuite(name: string, make: () => Promise<ReconcilerUnderTest>): void {
  describe(`reconciler: ${name}`, () => {
    let subject: ReconcilerUnderTest
    beforeEach(async () => {
      subject = await make()
    })
    afterEach(() => subject.dispose())

    const check = (gitopsCommitSha: string, signal = AbortSignal.timeout(10_000)) =>
      subject.reconciler.check(
        {
          id: '0198c5a2-8d4e-7c3a-9f10-000000000001',
          environment: 'production',
          repository: 'acme/shop',
          project: 'api',
          gitopsCommitSha,
        },
        signal,
      )
    const reason = expect.stringMatching(/^\S.*[^.]$/)

    it('says why what was committed is not reconciled yet', async () => {
      const sha = await subject.commit()
      expect(await check(sha)).toEqual({ reconciled: false, reason })
    })

    it('knows what is reconciled, as often as it is asked', async () => {
      const sha = await subject.commit()
      await subject.reconcile()
      expect(await check(sha)).toEqual({ reconciled: true })
      expect(await check(sha)).toEqual({ reconciled: true })
    })

    it('takes a commit for reconciled with a later one, and not the other way round', async () => {
      const older = await subject.commit()
      await subject.reconcile()
      const newer = await subject.commit()
      expect(await check(newer)).toEqual({ reconciled: false, reason })
      await subject.reconcile()
      expect(await check(older)).toEqual({ reconciled: true })
      expect(await check(newer)).toEqual({ reconciled: true })
    })

    it('does not take a commit for reconciled that nobody knows', async () => {
      await subject.commit()
      await subject.reconcile()
      expect(await check('0'.repeat(40))).toEqual({ reconciled: false, reason })
    })

    it('answers, without a secret, when there is nothing to be asked', async () => {
      const sha = await subject.commit()
      await subject.reconcile()
      await subject.takeAway()
      const answer = await check(sha)
      expect(answer).toEqual({ reconciled: false, reason })
      for (const secret of subject.secrets) {
        expect(JSON.stringify(answer)).not.toContain(secret)
      }
    })

    it('answers when it is stopped', async () => {
      const sha = await subject.commit()
      await subject.reconcile()
      expect(await check(sha, AbortSignal.abort())).toEqual({ reconciled: false, reason })
    })

    it('answers many at once', async () => {
      const shas: string[] = []
      for (let n = 0; n < 4; n++) shas.push(await subject.commit())
      await subject.reconcile()
      const answers = await Promise.all(shas.map((sha) => check(sha)))
      expect(answers).toEqual(shas.map(() => ({ reconciled: true })))
    })
  })
}
