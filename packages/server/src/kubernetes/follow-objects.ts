import type { IncomingMessage } from 'node:http'
import { AppError } from '../errors.ts'
import { createBackOff } from './back-off.ts'
import type { Kubernetes } from './connect-kubernetes.ts'
import { KubernetesRefusal } from './kubernetes-refusal.ts'
import { readLines } from './read-lines.ts'
import type { KubernetesObject, Resource } from './resources.ts'

export interface ObjectsFollower<T> {
  /** An object is there, or is different from before. */
  changed(object: T): void
  /** One that was told of is gone; as it was last seen. */
  gone(object: T): void
  /** Everything that there was has been told. */
  listed?(): void
  /** The server cannot be asked now; it is asked again. */
  failed?(error: unknown): void
}

/** Objects in one answer of a list. */
const pageSize = 500
/** Seconds after which the server ends a watch by itself; the next one goes on where it was. */
const watchSeconds = 300
/** Milliseconds of silence after which a connection is given up: a server sends bookmarks once a minute. */
const defaultSilenceMs = 100_000

interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T & { code?: number; reason?: string; message?: string }
}

/**
 * Tells of all objects with `labels`, and of every change of them, until `signal` aborts: a list first, then
 * a watch from its version on. A watch that ends is gone on with; where its version is too old (410), the
 * list is read again, and what has changed meanwhile is told. Never rejects; several changes of an object
 * may be told as one.
 */
export async function followObjects<T extends KubernetesObject>(
  kubernetes: Kubernetes,
  input: { resource: Resource; labels: string; silenceMs?: number },
  follower: ObjectsFollower<T>,
  signal: AbortSignal,
): Promise<void> {
  const { resource, labels, silenceMs = defaultSilenceMs } = input
  const known = new Map<string, T>()
  const back = createBackOff()
  let version: string | null = null

  const take = (object: T): void => {
    const { uid, resourceVersion } = object.metadata
    if (known.get(uid)?.metadata.resourceVersion === resourceVersion) return
    known.set(uid, object)
    follower.changed(object)
  }
  const drop = (object: T): void => {
    if (known.delete(object.metadata.uid)) follower.gone(object)
  }
  const list = async (): Promise<string> => {
    const seen = new Set<string>()
    let from: string | undefined
    for (;;) {
      const page: ObjectList<T> = await kubernetes.json<ObjectList<T>>(
        {
          method: 'GET',
          resource,
          query: { labelSelector: labels, limit: String(pageSize), continue: from },
        },
        signal,
      )
      for (const object of page.items) {
        seen.add(object.metadata.uid)
        take(object)
      }
      from = page.metadata.continue
      if (from !== undefined && from !== '') continue
      for (const object of known.values()) if (!seen.has(object.metadata.uid)) drop(object)
      follower.listed?.()
      return page.metadata.resourceVersion
    }
  }
  /** Answers whether anything was told. */
  const watch = async (from: string): Promise<boolean> => {
    let hasTold = false
    const query = {
      watch: 'true',
      labelSelector: labels,
      resourceVersion: from,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds),
    }
    const answer = await kubernetes.stream({ method: 'GET', resource, query }, signal)
    for await (const line of readLines(untilSilent(answer, silenceMs))) {
      const { type, object } = JSON.parse(line) as WatchEvent<T>
      if (type === 'ERROR') {
        throw new KubernetesRefusal(object.code ?? 500, object.reason ?? '', object.message ?? '')
      }
      back.reset()
      if (type === 'DELETED') drop(object)
      else if (type !== 'BOOKMARK') take(object)
      version = object.metadata.resourceVersion
      hasTold = true
    }
    return hasTold
  }

  while (!signal.aborted) {
    try {
      version ??= await list()
      // One that ends at once, and again, must not be asked for without a pause.
      if (!(await watch(version))) await back.pause(signal)
    } catch (error) {
      if (signal.aborted) return
      // Too old, or something that only a new beginning mends.
      if (error instanceof KubernetesRefusal) version = null
      const isExpired = error instanceof KubernetesRefusal && error.status === 410
      if (!isExpired) follower.failed?.(error)
      await back.pause(signal).catch(() => {})
    }
  }
}

interface ObjectList<T> {
  metadata: { resourceVersion: string; continue?: string }
  items: T[]
}

/** The chunks of an answer; one that falls silent, or breaks off, is an AppError `unavailable`. */
async function* untilSilent(answer: IncomingMessage, silenceMs: number): AsyncGenerator<Buffer> {
  const end = () => answer.destroy(new Error(`silent for ${silenceMs} ms`))
  let timer = setTimeout(end, silenceMs)
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      timer = setTimeout(end, silenceMs)
      yield chunk
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AppError('unavailable', `A watch broke off (${why})`)
  } finally {
    clearTimeout(timer)
    answer.destroy()
  }
}
