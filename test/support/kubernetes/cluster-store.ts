import { randomUUID } from 'node:crypto'
import { type ClusterObject, type ObjectMetadata, StatusError } from './cluster-object.ts'
import type { ResourceType } from './resource-type.ts'

export interface ClusterEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  plural: string
  object: ClusterObject
  /** As it was; null: it is new. */
  before: ClusterObject | null
  version: number
}

export interface DeleteOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  gracePeriodSeconds?: number
  preconditions?: { uid?: string; resourceVersion?: string }
}

type Draft = Omit<ClusterObject, 'metadata'> & {
  metadata: Partial<ObjectMetadata> & { generateName?: string }
}

/**
 * All objects of a cluster, by what API servers do with them: versions, names that are taken, finalizers,
 * owners and what belongs to them. Everything is a change that listeners hear of in order.
 */
export interface ClusterStore {
  readonly types: ReadonlyMap<string, ResourceType>
  /** Of the last change. */
  version(): number
  /** The oldest version from which changes can be followed. */
  oldest(): number
  list(plural: string, namespace: string): ClusterObject[]
  find(plural: string, namespace: string, name: string): ClusterObject | null
  get(plural: string, namespace: string, name: string): ClusterObject
  create(plural: string, namespace: string, draft: Draft): ClusterObject
  /** Replaces an object; a version that is not the current one is a conflict. */
  replace(plural: string, object: ClusterObject, part?: string): ClusterObject
  /** Reads, changes and writes; for controllers. Null: it is gone. */
  edit(
    plural: string,
    namespace: string,
    name: string,
    change: (object: ClusterObject) => void,
  ): ClusterObject | null
  remove(plural: string, namespace: string, name: string, options?: DeleteOptions): ClusterObject
  /** Those after `version`, oldest first. */
  since(version: number): readonly ClusterEvent[]
  listen(listener: (event: ClusterEvent) => void): () => void
  /** Forgets all changes so far: who wants to go on from before is told that it is too late. */
  compact(): void
}

/** Seconds that a pod has to end, where nobody says otherwise. */
const defaultGrace = 30

export function createClusterStore(resources: readonly ResourceType[]): ClusterStore {
  const types = new Map(resources.map((type) => [type.plural, type]))
  const objects = new Map<string, ClusterObject>()
  const listeners = new Set<(event: ClusterEvent) => void>()
  let events: ClusterEvent[] = []
  const untold: ClusterEvent[] = []
  let isTelling = false
  let version = 1_000
  let oldest = version

  const typeOf = (plural: string): ResourceType => {
    const type = types.get(plural)
    if (type === undefined) throw new StatusError(404, 'NotFound', `there are no ${plural} here`)
    return type
  }
  const keyOf = (plural: string, namespace: string, name: string) =>
    `${plural}/${namespace}/${name}`
  const find = (plural: string, namespace: string, name: string) => {
    const object = objects.get(keyOf(plural, namespace, name))
    return object === undefined ? null : structuredClone(object)
  }
  const get = (plural: string, namespace: string, name: string): ClusterObject => {
    const object = find(plural, namespace, name)
    if (object === null) throw new StatusError(404, 'NotFound', `${plural} "${name}" not found`)
    return object
  }
  const emit = (
    type: ClusterEvent['type'],
    plural: string,
    object: ClusterObject,
    before: ClusterObject | null,
  ) => {
    version++
    object.metadata.resourceVersion = String(version)
    const { namespace, name } = object.metadata
    if (type === 'DELETED') objects.delete(keyOf(plural, namespace, name))
    else objects.set(keyOf(plural, namespace, name), structuredClone(object))
    const event = { type, plural, object: structuredClone(object), before, version }
    events.push(event)
    untold.push(event)
    if (isTelling) return
    isTelling = true
    // A listener that changes something must not have others hear of that first.
    for (let next = untold.shift(); next !== undefined; next = untold.shift()) {
      for (const listener of listeners) listener(next)
    }
    isTelling = false
  }
  const refuse = (type: ResourceType, name: string, problems: readonly string[]): void => {
    if (problems.length === 0) return
    const group = type.group === '' ? '' : `.${type.group}`
    const what = `${type.kind}${group} "${name}" is invalid: ${problems.join(', ')}`
    throw new StatusError(422, 'Invalid', what)
  }
  const write = (plural: string, object: ClusterObject, before: ClusterObject) => {
    const isSame = JSON.stringify({
      ...object,
      metadata: { ...object.metadata, resourceVersion: '' },
    })
    const was = JSON.stringify({ ...before, metadata: { ...before.metadata, resourceVersion: '' } })
    if (isSame === was) return
    const isLast = object.metadata.deletionTimestamp !== undefined && isDue(plural, object)
    emit(isLast ? 'DELETED' : 'MODIFIED', plural, object, before)
    if (isLast) collect(object.metadata.uid)
  }
  /** Whether nothing keeps an object any more that is being deleted. */
  const isDue = (plural: string, { metadata }: ClusterObject): boolean =>
    (metadata.finalizers ?? []).length === 0 &&
    (plural !== 'pods' || (metadata.deletionGracePeriodSeconds ?? 0) === 0)
  /** Removes what belonged to an owner that is gone. */
  const collect = (uid: string): void => {
    for (const plural of types.keys()) {
      for (const object of [...objects.values()].filter(
        (each) => each.kind === types.get(plural)?.kind,
      )) {
        const owners = object.metadata.ownerReferences ?? []
        if (!owners.some((owner) => owner.uid === uid)) continue
        const isOwned = owners.some((owner) =>
          [...objects.values()].some(({ metadata }) => metadata.uid === owner.uid),
        )
        if (isOwned) continue
        // Later, as the collector does it.
        setImmediate(() => {
          const { namespace, name } = object.metadata
          if (objects.has(keyOf(plural, namespace, name)))
            remove(plural, namespace, name, { propagationPolicy: 'Background' })
        })
      }
    }
  }
  const orphan = (uid: string): void => {
    for (const [plural] of types) {
      for (const object of objects.values()) {
        const owners = object.metadata.ownerReferences ?? []
        if (object.kind !== types.get(plural)?.kind || !owners.some((owner) => owner.uid === uid))
          continue
        edit(plural, object.metadata.namespace, object.metadata.name, ({ metadata }) => {
          metadata.ownerReferences = owners.filter((owner) => owner.uid !== uid)
        })
      }
    }
  }

  function edit(
    plural: string,
    namespace: string,
    name: string,
    change: (object: ClusterObject) => void,
  ) {
    const before = find(plural, namespace, name)
    if (before === null) return null
    const object = structuredClone(before)
    change(object)
    write(plural, object, before)
    return find(plural, namespace, name)
  }

  function remove(
    plural: string,
    namespace: string,
    name: string,
    options: DeleteOptions = {},
  ): ClusterObject {
    const type = typeOf(plural)
    const before = get(plural, namespace, name)
    const { uid, resourceVersion } = options.preconditions ?? {}
    if (
      (uid !== undefined && uid !== before.metadata.uid) ||
      (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
    ) {
      throw new StatusError(
        409,
        'Conflict',
        `the precondition of deleting ${plural} "${name}" is not met`,
      )
    }
    const policy = options.propagationPolicy ?? (type.deletesDependents ? 'Background' : 'Orphan')
    if (policy === 'Orphan') orphan(before.metadata.uid)
    const object = structuredClone(before)
    const { metadata } = object
    metadata.deletionTimestamp ??= new Date().toISOString()
    if (plural === 'pods') {
      const asked =
        options.gracePeriodSeconds ??
        Number(object.spec?.terminationGracePeriodSeconds ?? defaultGrace)
      const isPlaced = object.spec?.nodeName !== undefined
      const isOver = ['Succeeded', 'Failed'].includes(String(object.status?.phase))
      const grace = isPlaced && !isOver ? asked : 0
      // A grace that was given can only be made shorter.
      metadata.deletionGracePeriodSeconds = Math.min(
        grace,
        metadata.deletionGracePeriodSeconds ?? grace,
      )
    }
    if (isDue(plural, object)) {
      emit('DELETED', plural, object, before)
      collect(metadata.uid)
      return object
    }
    write(plural, object, before)
    return get(plural, namespace, name)
  }

  return {
    types,
    version: () => version,
    oldest: () => oldest,
    find,
    get,
    edit,
    remove,
    list: (plural, namespace) => {
      const { kind } = typeOf(plural)
      return [...objects.values()]
        .filter((object) => object.kind === kind && object.metadata.namespace === namespace)
        .map((object) => structuredClone(object))
    },
    create(plural, namespace, draft) {
      const type = typeOf(plural)
      const { generateName, ...given } = draft.metadata ?? {}
      const name =
        given.name ?? (generateName === undefined ? '' : generateName + randomUUID().slice(0, 5))
      refuse(type, name, type.validate(draft))
      if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) {
        refuse(type, name, [`metadata.name: Invalid value: ${JSON.stringify(name)}`])
      }
      for (const [label, value] of Object.entries(given.labels ?? {})) {
        if (!/^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/.test(value)) {
          refuse(type, name, [`metadata.labels: Invalid value: ${label}=${value}`])
        }
      }
      if (objects.has(keyOf(plural, namespace, name))) {
        throw new StatusError(409, 'AlreadyExists', `${plural} "${name}" already exists`)
      }
      const object = structuredClone(draft) as ClusterObject
      object.metadata = {
        ...structuredClone(given),
        name,
        namespace,
        uid: randomUUID(),
        resourceVersion: '',
        creationTimestamp: new Date().toISOString(),
        generation: 1,
      }
      // Whoever asks for an object has no say in its status.
      delete object.status
      type.fill?.(object)
      refuse(type, name, type.check?.(object, null) ?? [])
      emit('ADDED', plural, object, null)
      for (const owner of object.metadata.ownerReferences ?? []) {
        if (![...objects.values()].some(({ metadata }) => metadata.uid === owner.uid))
          collect(owner.uid)
      }
      return get(plural, namespace, name)
    },
    replace(plural, object, part) {
      const type = typeOf(plural)
      const { namespace, name, resourceVersion } = object.metadata
      const before = get(plural, namespace, name)
      if (resourceVersion !== '' && resourceVersion !== before.metadata.resourceVersion) {
        throw new StatusError(409, 'Conflict', `${plural} "${name}": the object has been modified`)
      }
      refuse(type, name, type.validate(object))
      const { status, ...rest } = before
      const next =
        part === 'status'
          ? { ...rest, ...(object.status === undefined ? {} : { status: object.status }) }
          : { ...object, ...(status === undefined ? {} : { status }) }
      const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } =
        before.metadata
      next.metadata = {
        ...next.metadata,
        uid,
        creationTimestamp,
        ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
        ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
      }
      refuse(type, name, type.check?.(next, before) ?? [])
      write(plural, next, before)
      return find(plural, namespace, name) ?? next
    },
    since: (from) => events.filter((event) => event.version > from),
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    compact() {
      events = []
      oldest = version
    },
  }
}
