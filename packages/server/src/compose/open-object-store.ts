import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createFilesystemObjectStore } from '../adapters/object-store/filesystem/filesystem-object-store.ts'
import type { Config } from '../config/read-config.ts'
import type { S3Config } from '../config/s3-settings.ts'
import type { EventFeed } from '../events/index.ts'
import type { Store } from '../open-store.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Resources } from '../resources.ts'
import { startLogTagging } from '../runs/index.ts'

const dayMs = 86_400_000
/** From one try to give the bucket its rules to the next. */
const lifecycleRetryMs = 60_000

type StorageConfig = Pick<Config, 'dataDir' | 's3' | 'retention' | 'environments'>

/** Where objects are kept: a bucket where one is configured, else files in the data directory. */
export async function openObjectStore(
  config: StorageConfig,
  log: Logger,
  resources: Resources,
): Promise<ObjectStore> {
  const folder = join(config.dataDir, 'objects')
  if (config.s3 === null) {
    const files = createFilesystemObjectStore({ root: folder, exclusive: true, log })
    return resources.add('objects', files, (opened) => opened.close())
  }
  await warnOfFiles(folder, log)
  const objects = await openBucket(config.s3, log)
  resources.add('objects', objects, (opened) => opened.close())
  void announce(objects, config.s3, log)
  if (config.s3.applyLifecycle) {
    const closing = new AbortController()
    const applied = keepTrying(config, log, closing.signal)
    resources.add('bucket rules', closing, (controller) => {
      controller.abort()
      return applied
    })
  }
  return objects
}

/** The bucket alone. */
export async function openBucket(s3: S3Config, log: Logger): Promise<ObjectStore> {
  const { place, links } = splitS3(s3)
  // The SDK takes a while to load, and not every server needs it.
  const { createS3ObjectStore } =
    await import('../adapters/object-store/s3/create-s3-object-store.ts')
  return createS3ObjectStore({ place, links, log })
}

/** How a signed link to a log leads on to the bucket; nothing where logs are read through the server. */
export function openLogRedirect(config: Pick<Config, 's3'>, objects: ObjectStore) {
  if (config.s3?.links !== true) return {}
  return {
    linkToLog: ({ key, fileName }: { key: string; fileName: string }, seconds: number) =>
      objects.presign(key, seconds, { contentType: 'text/plain; charset=utf-8', fileName }),
  }
}

/** Keeps the tags of logs that the bucket's rules go by, where its objects have tags. */
export function openLogTagging(
  config: Pick<Config, 'environments'>,
  log: Logger,
  opened: { store: Store; feed: EventFeed; objects: ObjectStore; holder: string },
  resources: Resources,
): void {
  const { store, feed, objects, holder } = opened
  const tagPrefix = objects.tagPrefix?.bind(objects)
  if (tagPrefix === undefined) return
  const environments = config.environments.map(({ name, logRetentionDays }) => ({
    name,
    keptMs: logRetentionDays * dayMs,
  }))
  const tagging = startLogTagging(
    { db: store.db, log, feed, holder, objects: { tagPrefix } },
    environments,
  )
  resources.add('log tags', tagging, (started) => started.close())
}

/** Gives the bucket its lifecycle rules; answers whether something had to be changed. */
export async function applyBucketLifecycle(
  config: StorageConfig & { s3: S3Config },
  signal: AbortSignal,
): Promise<boolean> {
  const { applyLifecycle } = await import('../adapters/object-store/s3/apply-lifecycle.ts')
  return applyLifecycle(splitS3(config.s3).place, await bucketLifecycle(config), signal)
}

/** The lifecycle rules that the bucket is to have. */
export async function bucketLifecycle(config: StorageConfig & { s3: S3Config }) {
  const { planLifecycle } = await import('../adapters/object-store/s3/plan-lifecycle.ts')
  return planLifecycle({
    prefix: config.s3.prefix,
    runsDays: Math.ceil(config.retention.runsMs / dayMs),
    environments: config.environments.map(({ name, logRetentionDays }) => ({
      name,
      logsDays: logRetentionDays,
    })),
  })
}

function splitS3({ links, applyLifecycle: _, ...place }: S3Config) {
  return { place, links }
}

/** What was kept before stays where it is, and is not looked for there. */
async function warnOfFiles(folder: string, log: Logger): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  if (names.some((name) => !name.startsWith('~'))) {
    log.warn({ folder }, 'objects are kept in S3 now, and those in the data directory are not read')
  }
}

/** A store that is away does not keep the server from starting: it is said, and waited for. */
async function announce(objects: ObjectStore, s3: S3Config, log: Logger): Promise<void> {
  const at = { bucket: s3.bucket, endpoint: s3.endpoint ?? 'AWS' }
  try {
    await objects.check()
    log.info(at, 'objects are kept in S3')
  } catch (error) {
    log.error({ ...at, err: error }, 'the object storage cannot be used yet')
  }
}

async function keepTrying(config: StorageConfig, log: Logger, signal: AbortSignal): Promise<void> {
  const { s3 } = config
  while (s3 !== null && !signal.aborted) {
    try {
      const changed = await applyBucketLifecycle({ ...config, s3 }, signal)
      if (changed) log.info({ bucket: s3.bucket }, 'gave the bucket its lifecycle rules')
      return
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'the bucket could not be given lifecycle rules')
    }
    await sleep(lifecycleRetryMs, undefined, { signal, ref: false }).catch(() => undefined)
  }
}
