import { checkArtifacts } from './check-artifacts.ts'
import { checkShape } from './check-shape.ts'
import { checkSteps } from './check-steps.ts'
import { childPointer } from './json-pointer.ts'
import type { Report } from './problems.ts'
import { asArray, asRecord, field } from './raw.ts'
import { ProjectFile } from './schema/project-file.ts'
import { RepositoryFile } from './schema/repository-file.ts'
import { didYouMean } from './suggest.ts'

/** What a project may refer to in the repository file; null where that file could not be read. */
export interface Declared {
  phases: ReadonlyMap<string, { required: boolean }> | null
  /** With its type; null where that is not known. */
  publishers: ReadonlyMap<string, { type: string | null }> | null
}

/** Reports everything wrong with a parsed repository file by itself. */
export function checkRepository(value: unknown, report: Report): void {
  checkShape(RepositoryFile, value, '.', report)
  for (const [name, environment] of Object.entries(asRecord(field(value, 'environments')))) {
    const approval = asRecord(field(environment, 'approval'))
    if (approval['required'] === false && typeof approval['approvals'] === 'number') {
      const pointer = `${childPointer('/environments', name)}/approval/approvals`
      report(pointer, 'asks for approvals, but "required" is false.')
    }
  }
}

/** Reports everything wrong with a parsed project file, what it refers to in the repository file included. */
export function checkProject(
  value: unknown,
  directory: string,
  declared: Declared,
  report: Report,
): void {
  checkShape(ProjectFile, value, directory, report)
  checkPhases(value, declared.phases, report)
  checkArtifacts(value, declared.publishers, report)
  asArray(field(field(value, 'release'), 'on')).forEach((trigger, index) => {
    const count = Object.keys(asRecord(trigger)).length
    if (count === 1) return
    report(
      `/release/on/${index}`,
      `must have exactly one of the keys branch, tag and manual, not ${count}.`,
    )
  })
}

function checkPhases(value: unknown, declared: Declared['phases'], report: Report): void {
  const phases = asRecord(field(value, 'phases'))
  for (const [name, phase] of Object.entries(phases)) {
    const pointer = childPointer('/phases', name)
    checkSteps(field(phase, 'steps'), `${pointer}/steps`, report)
    if (declared === null || declared.has(name)) continue
    const hint = didYouMean(name, declared.keys())
    report(pointer, `The repository file declares no phase "${name}".${hint}`)
  }
  for (const [name, { required }] of declared ?? []) {
    if (!required || Object.hasOwn(phases, name)) continue
    report(
      field(value, 'phases') === undefined ? '' : '/phases',
      `The phase "${name}" is required of every project, and is missing here.`,
    )
  }
}

/** The names that a parsed repository file declares, as far as they can be made out. */
export function readDeclared(value: unknown): Declared {
  const phases = Object.entries(asRecord(field(value, 'phases')))
  return {
    phases: new Map(
      phases.map(([name, phase]) => [name, { required: field(phase, 'required') === true }]),
    ),
    publishers: new Map(
      Object.entries(asRecord(field(value, 'publishers'))).map(([name, publisher]) => {
        const type = field(publisher, 'type')
        return [name, { type: typeof type === 'string' ? type : null }]
      }),
    ),
  }
}
