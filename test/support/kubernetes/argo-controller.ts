import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fillIn, holds, type Scope, wantsRetry } from './argo-language.ts'
import { keepNodes, type Outcome, Stopped, type Walk } from './argo-nodes.ts'
import type { PodEnd, Pods, PodSpec } from './argo-pods.ts'
import { type ArgoTemplate, type ArgoWorkflow, readSpec } from './argo-types.ts'
import type { ClusterObject } from './cluster-object.ts'
import type { ClusterStore } from './cluster-store.ts'

/** Milliseconds from SIGTERM to SIGKILL of what is stopped. */
const graceMs = 3_000
/** Between two attempts; a real controller has the back-off of the template. */
const retryMs = 50

/** The part of the controller of Argo Workflows that templates of ours ask for. */
export interface ArgoController {
  /** Goes on with whatever workflows there are. */
  start(): void
  /** As if it was killed: pods run on. */
  stop(): Promise<void>
}

export function createArgoController(input: {
  store: ClusterStore
  namespace: string
  pods: Pods
}): ArgoController {
  const { store, namespace, pods } = input
  const walks = new Map<string, { walk: Promise<void>; shutdown: AbortController }>()
  let running = new AbortController()
  running.abort()
  let unlisten = () => {}

  const look = (object: ClusterObject): void => {
    const workflow = object as ArgoWorkflow
    const { uid, name } = workflow.metadata
    const known = walks.get(uid)
    if (known === undefined) {
      if (workflow.status?.finishedAt !== undefined) return
      const shutdown = new AbortController()
      setMaxListeners(0, shutdown.signal)
      const begun = { name, uid, shutdown: shutdown.signal, stop: running.signal }
      // Later: its first change is told to us as well.
      const walk = Promise.resolve()
        .then(() => walkWorkflow(begun))
        .catch((error: unknown) => {
          if (!(error instanceof Stopped)) throw error
        })
        .finally(() => walks.delete(uid))
      walks.set(uid, { walk, shutdown })
    }
    const strategy = workflow.spec.shutdown
    if (strategy !== undefined) walks.get(uid)?.shutdown.abort(strategy)
  }

  const { current, change, nodeId, mark, end, finished } = keepNodes({ store, namespace })

  async function walkWorkflow(walk: Walk): Promise<void> {
    const spec = readSpec(store, namespace, current(walk))
    if ('problem' in spec) {
      const { problem: message } = spec
      return change(walk, (status) => Object.assign(status, over('Error', message)))
    }
    if (current(walk).status?.phase === undefined) {
      change(walk, (status) => Object.assign(status, { phase: 'Running', startedAt: now() }))
    }
    const scope = { 'workflow.name': walk.name, ...spec.parameters }
    const context: Context = { walk, templates: spec.templates, scope }
    const main = await runTemplate(context, { node: walk.name, name: spec.entrypoint, inputs: {} })
    const shutdown = walk.shutdown.aborted ? String(walk.shutdown.reason) : ''
    if (spec.onExit !== undefined && shutdown !== 'Terminate') {
      const failures = Object.values(current(walk).status?.nodes ?? {})
        .filter(({ phase }) => phase === 'Failed' || phase === 'Error')
        .map(({ displayName, message = '', phase = '' }) => ({ displayName, message, phase }))
      const told = {
        ...scope,
        'workflow.status': main.phase,
        // Quoted, as the controller does.
        'workflow.failures': JSON.stringify(JSON.stringify(failures)),
      }
      const exit = {
        ...context,
        scope: told,
        walk: { ...walk, shutdown: new AbortController().signal },
      }
      const handled = await runTemplate(exit, { node: 'onExit', name: spec.onExit, inputs: {} })
      if (main.phase === 'Succeeded' && handled.phase !== 'Succeeded') {
        return change(walk, (status) => Object.assign(status, over(handled.phase, handled.message)))
      }
    }
    const message = shutdown === '' ? main.message : `Stopped with strategy '${shutdown}'`
    change(walk, (status) => Object.assign(status, over(main.phase, message)))
  }
  const over = (phase: string, message: string) => ({
    phase,
    finishedAt: now(),
    ...(message === '' ? {} : { message }),
  })

  interface Context {
    walk: Walk
    templates: ReadonlyMap<string, ArgoTemplate>
    scope: Scope
  }
  interface Call {
    node: string
    name: string
    inputs: Scope
  }

  async function runTemplate(context: Context, call: Call): Promise<Outcome> {
    const { walk, templates } = context
    const done = finished(walk, call.node)
    if (done !== null) return done
    const template = templates.get(call.name)
    if (template === undefined) throw new Error(`there is no template ${call.name}`)
    const inputs: Record<string, string> = {}
    for (const { name, value } of template.inputs?.parameters ?? []) {
      const given = call.inputs[name] ?? value
      if (given === undefined) throw new Error(`inputs.parameters.${name} was not supplied`)
      inputs[`inputs.parameters.${name}`] = given
    }
    const scope = { ...context.scope, ...inputs }
    return template.dag === undefined
      ? runPods(context, call, template, scope)
      : runDag(context, call, template.dag, scope)
  }

  async function runDag(
    context: Context,
    call: Call,
    dag: NonNullable<ArgoTemplate['dag']>,
    scope: Scope,
  ): Promise<Outcome> {
    const { walk } = context
    mark(walk, call.node, { type: 'DAG', templateName: call.name })
    const outcomes = new Map<string, Outcome>()
    let known = scope
    for (const task of dag.tasks) {
      const node = `${call.node}.${task.name}`
      const wanted = task.depends?.replace(/\.Succeeded$/, '')
      const before = wanted === undefined ? undefined : outcomes.get(wanted)
      if (wanted !== undefined && before?.phase !== 'Succeeded') {
        const omitted = {
          phase: 'Omitted',
          message: 'omitted: depends condition not met',
          outputs: {},
        } as const
        outcomes.set(task.name, finished(walk, node) ?? end(walk, node, 'Skipped', omitted))
        continue
      }
      const filled = fillIn(task, known)
      const inputs = (filled.arguments?.parameters ?? []).map((each) => [each.name, each.value])
      const skipped = {
        phase: 'Skipped',
        message: `when '${filled.when}' evaluated false`,
        outputs: {},
      } as const
      const outcome =
        filled.when !== undefined && !holds(filled.when)
          ? (finished(walk, node) ?? end(walk, node, 'Skipped', skipped))
          : await runTemplate(context, {
              node,
              name: filled.template,
              inputs: Object.fromEntries(inputs) as Scope,
            })
      outcomes.set(task.name, outcome)
      const outputs = Object.entries(outcome.outputs).map(([name, value]) => [
        `tasks.${task.name}.outputs.parameters.${name}`,
        value,
      ])
      known = { ...known, ...(Object.fromEntries(outputs) as Scope) }
    }
    const failed = [...outcomes.values()].find(
      ({ phase }) => phase === 'Failed' || phase === 'Error',
    )
    const phase = failed?.phase ?? 'Succeeded'
    const message = failed === undefined ? '' : `child '${nodeId(walk, call.node)}' failed`
    return end(walk, call.node, 'DAG', { phase, message, outputs: {} })
  }

  async function runPods(
    context: Context,
    call: Call,
    template: ArgoTemplate,
    scope: Scope,
  ): Promise<Outcome> {
    const { walk } = context
    const filled = fillIn({ ...template, inputs: undefined }, scope)
    const { retryStrategy } = filled
    if (retryStrategy === undefined) return runPod(walk, call.node, filled)
    mark(walk, call.node, { type: 'Retry', templateName: call.name })
    for (let attempt = 0; ; attempt += 1) {
      const node = `${call.node}(${attempt})`
      const outcome = finished(walk, node) ?? (await runPod(walk, node, filled))
      const exitCode = /exit code (\d+)/.exec(outcome.message)?.[1] ?? '-1'
      const again =
        outcome.phase !== 'Succeeded' &&
        !walk.shutdown.aborted &&
        attempt < Number(retryStrategy.limit) &&
        wantsRetry(retryStrategy.expression, { exitCode, status: outcome.phase })
      if (!again) return end(walk, call.node, 'Retry', outcome)
      await pause(retryMs)
    }
  }

  async function runPod(walk: Walk, node: string, template: ArgoTemplate): Promise<Outcome> {
    // Another workflow of the same name has pods of its own.
    const id = `${walk.uid}/${nodeId(walk, node)}`
    const spec = podSpec(template)
    mark(walk, node, { type: 'Pod', phase: spec === null ? 'Pending' : 'Running' })
    if (walk.shutdown.aborted) return end(walk, node, 'Pod', stoppedBy(walk))
    const stopped = new Promise<'shutdown'>((resolve) => {
      const stop = () => resolve('shutdown')
      walk.shutdown.addEventListener('abort', stop)
      if (walk.shutdown.aborted) stop()
    })
    const away = new Promise<never>((_resolve, reject) => {
      const leave = () => reject(new Stopped('the controller was stopped'))
      walk.stop.addEventListener('abort', leave)
      if (walk.stop.aborted) leave()
    })
    // A pod whose Secret is missing waits for it.
    const running = spec === null ? new Promise<never>(() => {}) : pods.run(id, spec)
    const first = await Promise.race([running, stopped, away])
    if (first === 'shutdown') {
      pods.kill(id, 'SIGTERM')
      if (spec !== null) {
        const late = pause(graceMs).then(() => pods.kill(id, 'SIGKILL'))
        await Promise.race([running, late])
        await running
      }
      return end(walk, node, 'Pod', stoppedBy(walk))
    }
    return end(walk, node, 'Pod', outcomeOf(template, first))
  }

  const stoppedBy = (walk: Walk): Outcome => ({
    phase: 'Failed',
    message: `workflow shutdown with strategy:  ${String(walk.shutdown.reason)}`,
    outputs: {},
  })

  /** Null: a Secret that it names is not there. */
  function podSpec({ container, outputs }: ArgoTemplate): PodSpec | null {
    if (container === undefined) throw new Error('a template without a container')
    const env: Record<string, string> = {}
    for (const { name, value, valueFrom } of container.env ?? []) {
      const reference = valueFrom?.secretKeyRef
      if (reference === undefined) {
        env[name] = value ?? ''
        continue
      }
      const secret = store.find('secrets', namespace, reference.name)
      const data = (secret?.data ?? {}) as Record<string, string>
      const encoded = data[reference.key]
      if (encoded === undefined) return null
      env[name] = Buffer.from(encoded, 'base64').toString()
    }
    const files = (outputs?.parameters ?? []).map((each) => [each.name, each.valueFrom.path])
    return {
      command: [...container.command, ...(container.args ?? [])],
      env,
      mounts: (container.volumeMounts ?? []).map(({ mountPath }) => mountPath),
      outputs: Object.fromEntries(files) as Record<string, string>,
    }
  }

  function outcomeOf(template: ArgoTemplate, { exitCode, outputs }: PodEnd): Outcome {
    if (exitCode !== 0) {
      return { phase: 'Failed', message: `main: Error (exit code ${exitCode})`, outputs }
    }
    const missing = (template.outputs?.parameters ?? []).find(
      ({ name }) => outputs[name] === undefined,
    )
    if (missing === undefined) return { phase: 'Succeeded', message: '', outputs }
    return { phase: 'Error', message: `cannot save parameter ${missing.name}`, outputs }
  }

  const now = () => new Date().toISOString()

  /** Nobody deletes pods by name here: they go with their workflow. */
  const removePods = (uid: string) => {
    for (const { id } of pods.running()) if (id.startsWith(`${uid}/`)) pods.kill(id, 'SIGKILL')
  }

  return {
    start() {
      running = new AbortController()
      setMaxListeners(0, running.signal)
      unlisten = store.listen(({ plural, type, object }) => {
        if (plural !== 'workflows') return
        if (type === 'DELETED') removePods(object.metadata.uid)
        else look(object)
      })
      store.list('workflows', namespace).forEach(look)
    },
    async stop() {
      unlisten()
      running.abort()
      await Promise.allSettled([...walks.values()].map(({ walk }) => walk))
    },
  }
}
