import { WorkflowTemplate } from '@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/WorkflowTemplate'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule'
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role'
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import { type ResourceType, resourceType } from './resource-type.ts'

const core = 'kubernetes-models'
const monitoring = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
/** What the chart is made of, by `group/version/kind`, with the published schemas. */
export const chartTypes = new Map<string, ResourceType>(
  [
    resourceType(StatefulSet, `${core}/apps/v1/StatefulSet`, { plural: 'statefulsets' }),
    resourceType(Job, `${core}/batch/v1/Job`, { plural: 'jobs' }),
    resourceType(Ingress, `${core}/networking.k8s.io/v1/Ingress`, { plural: 'ingresses' }),
    resourceType(NetworkPolicy, `${core}/networking.k8s.io/v1/NetworkPolicy`, {
      plural: 'networkpolicies',
    }),
    resourceType(PodDisruptionBudget, `${core}/policy/v1/PodDisruptionBudget`, {
      plural: 'poddisruptionbudgets',
    }),
    resourceType(Role, `${core}/rbac.authorization.k8s.io/v1/Role`, { plural: 'roles' }),
    resourceType(RoleBinding, `${core}/rbac.authorization.k8s.io/v1/RoleBinding`, {
      plural: 'rolebindings',
    }),
    resourceType(ConfigMap, `${core}/v1/ConfigMap`, { plural: 'configmaps' }),
    resourceType(Service, `${core}/v1/Service`, { plural: 'services' }),
    resourceType(ServiceAccount, `${core}/v1/ServiceAccount`, { plural: 'serviceaccounts' }),
    resourceType(ScaledObject, '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject', {
      plural: 'scaledobjects',
    }),
    resourceType(
      WorkflowTemplate,
      '@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/WorkflowTemplate',
      { plural: 'workflowtemplates' },
    ),
    resourceType(ServiceMonitor, `${monitoring}/ServiceMonitor`, { plural: 'servicemonitors' }),
    resourceType(PrometheusRule, `${monitoring}/PrometheusRule`, { plural: 'prometheusrules' }),
  ].map((type) => [`${type.group}/${type.version}/${type.kind}`, type]),
)
