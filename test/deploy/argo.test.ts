// The manifests of deploy/argo, by the published schemas and by what they say of each other.
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role'
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { makeWorkflow } from '../../packages/server/src/adapters/orchestrator/argo/make-workflow.ts'
import { settings } from '../../packages/server/src/config/settings.ts'
import { refusal } from '../support/cli-help.ts'
import { argoResources } from '../support/kubernetes/argo-resources.ts'
import type { ArgoTemplate } from '../support/kubernetes/argo-types.ts'
import type { ClusterObject } from '../support/kubernetes/cluster-object.ts'
import { resourceType } from '../support/kubernetes/resource-type.ts'

const directory = fileURLToPath(new URL('../../deploy/argo/', import.meta.url))
const rbac = 'kubernetes-models/rbac.authorization.k8s.io/v1'
const types = [
  ...argoResources,
  resourceType(Role, `${rbac}/Role`, { plural: 'roles' }),
  resourceType(RoleBinding, `${rbac}/RoleBinding`, { plural: 'rolebindings' }),
  resourceType(ServiceAccount, 'kubernetes-models/v1/ServiceAccount', {
    plural: 'serviceaccounts',
  }),
]

let manifests: ClusterObject[]
beforeAll(async () => {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml'))
  const texts = await Promise.all(files.map((name) => readFile(directory + name, 'utf8')))
  manifests = texts
    .flatMap((text) => [...parseAllDocuments(text)])
    .map((document) => document.toJS() as ClusterObject)
})
const named = (kind: string, name: string): ClusterObject => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name)
  if (found === undefined) throw new Error(`no ${kind} ${name}`)
  return found
}
interface TemplateSpec {
  serviceAccountName: string
  entrypoint: string
  onExit: string
  ttlStrategy: object
  arguments: { parameters: { name: string; value?: string }[] }
  templates: (ArgoTemplate & {
    container?: { securityContext?: object; resources?: object }
  })[]
}
const template = () => named('WorkflowTemplate', 'slipway-run').spec as unknown as TemplateSpec

describe('deploy/argo', () => {
  it('holds to the published schemas, field by field', () => {
    expect(manifests.length).toBeGreaterThan(4)
    for (const manifest of manifests) {
      const type = types.find(({ kind }) => kind === manifest.kind)
      expect(type?.validate(manifest), `${manifest.kind} ${manifest.metadata.name}`).toEqual([])
    }
  })

  it('binds each role to an account that there is, or that of the server', () => {
    for (const binding of manifests.filter(({ kind }) => kind === 'RoleBinding')) {
      const { roleRef, subjects } = binding as unknown as {
        roleRef: { kind: string; name: string }
        subjects: { kind: string; name: string; namespace?: string }[]
      }
      named(roleRef.kind, roleRef.name)
      for (const { kind, name } of subjects) {
        expect(kind).toBe('ServiceAccount')
        if (name !== 'slipway') named(kind, name)
      }
    }
    named('ServiceAccount', template().serviceAccountName)
  })

  it('has the template that the settings name, with all parameters that a workflow gives', () => {
    named('WorkflowTemplate', settings.ARGO_WORKFLOW_TEMPLATE.default)
    const workflow = makeWorkflow(
      { template: 'slipway-run', serverUrl: 'https://x.test', image: 'i', tokenSecret: 's' },
      { name: 'n', runId: 'r', repository: 'a/b', branch: 'b', commitSha: 'c', triggeredBy: 't' },
    ) as { spec: TemplateSpec }
    const names = ({ arguments: given }: TemplateSpec) => given.parameters.map(({ name }) => name)
    expect(names(workflow.spec)).toEqual(names(template()))
  })

  it('refers to nothing that is not there', () => {
    const { templates, entrypoint, onExit } = template()
    const known = new Set(templates.map(({ name }) => name))
    const called = templates.flatMap(({ dag }) => dag?.tasks.map((task) => task.template) ?? [])
    for (const name of [...called, entrypoint, onExit]) expect(known).toContain(name)
    const parameters = new Set(template().arguments.parameters.map(({ name }) => name))
    const text = JSON.stringify(templates)
    for (const [, name = ''] of text.matchAll(/\{\{workflow\.parameters\.([^}]+)\}\}/g)) {
      expect(parameters).toContain(name)
    }
    for (const each of templates) {
      const own = new Set((each.inputs?.parameters ?? []).map(({ name }) => name))
      for (const [, name = ''] of JSON.stringify(each).matchAll(
        /\{\{inputs\.parameters\.([^}]+)\}\}/g,
      )) {
        expect(own).toContain(name)
      }
    }
  })

  it('runs the command line as it is, with a token from a Secret and nothing else of one', async () => {
    const containers = template().templates.flatMap(({ container }) => container ?? [])
    expect(containers).toHaveLength(2)
    for (const { command, args = [], env = [], securityContext } of containers) {
      expect(command).toEqual(['slipway'])
      const words = args.map((word) => word.replace('{{workflow.status}}', 'Failed'))
      const filled = words.map((word) => word.replace('{{inputs.parameters.stage}}', 'discovery'))
      expect(await refusal(filled, { complete: true })).toBeNull()
      const token = env.find(({ name }) => name === 'SLIPWAY_TOKEN')
      expect(token?.value).toBeUndefined()
      expect(token?.valueFrom?.secretKeyRef?.key).toBe('token')
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    }
  })

  it('removes what has ended from the cluster some time after', () => {
    expect(template().ttlStrategy).toEqual({ secondsAfterCompletion: 86_400 })
  })
})
