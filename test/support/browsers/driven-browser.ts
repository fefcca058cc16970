import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** A browser with one window, driven by a protocol of the W3C: WebDriver or WebDriver BiDi. */
export interface DrivenBrowser {
  /** Loads the address, and waits until it is loaded. */
  goto(url: string): Promise<void>
  /** The value of an expression in the page, which JSON can carry. */
  evaluate<T>(expression: string): Promise<T>
  /** Keys and pointers as in WebDriver's "Perform Actions". */
  perform(actions: readonly InputSource[]): Promise<void>
  /** A PNG of what is to be seen. */
  screenshot(): Promise<Buffer>
  /** Errors of scripts, of the console and of the content security policy, since the last look. */
  takeComplaints(): Promise<string[]>
  close(): Promise<void>
}

export interface InputSource {
  type: 'key' | 'pointer'
  id: string
  actions: readonly object[]
}

const startMs = 40_000
const stopMs = 10_000

/**
 * Waits for a line of what a program writes that matches, and answers its first group. Whatever it has
 * written stays readable by others; fails when it ends before, or in time says nothing of the kind.
 */
export async function waitForLine(
  child: ChildProcess,
  stream: NodeJS.ReadableStream,
  pattern: RegExp,
): Promise<string> {
  let written = ''
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${child.spawnfile} ${why}: ${written}`))
    const timer = setTimeout(() => fail('did not start in time'), startMs)
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code) => fail(`ended with ${code}`))
    stream.on('data', (chunk: Buffer) => {
      written += chunk.toString()
      const found = pattern.exec(written)?.[1]
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    })
  })
}

/** Ends a program that leads a process group, and everything in the group. */
export async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined) return
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(stopMs) })
    process.kill(-pid, 'SIGTERM')
    await ended.catch(() => undefined)
  }
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}
