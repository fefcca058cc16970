import { defaultAction, findAction } from './actions/table.ts'
import { findCycle } from './find-cycle.ts'
import { childPointer } from './json-pointer.ts'
import type { Report } from './problems.ts'
import { asArray, asRecord, field } from './raw.ts'
import { variablePattern } from './schema/fields.ts'
import { didYouMean } from './suggest.ts'

const variableSyntax = new RegExp(variablePattern)

/** Reports what is wrong between the steps of one task: names, needs, and each action's own rules. */
export function checkSteps(steps: unknown, pointer: string, report: Report): void {
  const needs = new Map<string, string[]>()
  const positions = new Map<string, number>()
  asArray(steps).forEach((step, index) => {
    const at = childPointer(pointer, index)
    checkAction(step, at, report)
    const name = field(step, 'name')
    if (typeof name !== 'string') return
    const earlier = positions.get(name)
    if (earlier === undefined) {
      positions.set(name, index)
      needs.set(
        name,
        asArray(field(step, 'needs')).filter((need) => typeof need === 'string'),
      )
    } else {
      const message = `The name "${name}" is taken by step ${earlier + 1} of the same task.`
      report(childPointer(at, 'name'), message)
    }
  })
  asArray(steps).forEach((step, index) => {
    checkNeeds(step, childPointer(pointer, index), positions, report)
  })

  const cycle = findCycle(needs) ?? []
  const [first] = cycle
  if (first === undefined) return
  const at = childPointer(childPointer(pointer, positions.get(first) ?? 0), 'needs')
  report(at, `The steps wait for each other: ${[...cycle, first].join(' → ')}.`)
}

/** Reports what an action's schema cannot say of the step or producer at the pointer. */
export function checkAction(step: unknown, pointer: string, report: Report): void {
  const written = field(step, 'action')
  const name = written === undefined ? defaultAction : written
  if (typeof name === 'string') findAction(name)?.check(asRecord(step), pointer, report)
  checkSecrets(step, childPointer(pointer, 'secrets'), report)
}

function checkSecrets(step: unknown, pointer: string, report: Report): void {
  const taken = new Set(Object.keys(asRecord(field(step, 'env'))))
  asArray(field(step, 'secrets')).forEach((secret, index) => {
    const at = childPointer(pointer, index)
    const name = typeof secret === 'string' ? secret : field(secret, 'name')
    const variable = field(secret, 'env') ?? name
    if (typeof variable !== 'string') return
    if (taken.has(variable)) report(at, `The variable "${variable}" is already set by this step.`)
    taken.add(variable)
    if (variable !== name || typeof secret === 'string' || variableSyntax.test(variable)) return
    report(at, `needs the key "env": "${variable}" is no name for a variable.`)
  })
}

function checkNeeds(
  step: unknown,
  pointer: string,
  positions: ReadonlyMap<string, number>,
  report: Report,
): void {
  const seen = new Set<unknown>()
  asArray(field(step, 'needs')).forEach((need, index) => {
    const at = childPointer(childPointer(pointer, 'needs'), index)
    if (seen.has(need)) report(at, `"${String(need)}" is named twice.`)
    seen.add(need)
    if (typeof need !== 'string' || positions.has(need)) return
    report(at, `There is no step "${need}" in this task.${didYouMean(need, positions.keys())}`)
  })
}
