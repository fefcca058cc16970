/** What of a pod's specification this node knows; the API server has validated it. */
export interface PodSpec {
  restartPolicy: string
  nodeSelector?: Record<string, string>
  terminationGracePeriodSeconds?: number
  activeDeadlineSeconds?: number
  automountServiceAccountToken?: boolean
  nodeName?: string
  securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type: string } }
  volumes?: Volume[]
  containers: Container[]
}

interface Volume {
  name: string
  persistentVolumeClaim?: { claimName: string }
  emptyDir?: object
  secret?: { secretName: string; defaultMode?: number; items?: { key: string; path: string }[] }
}

export interface Container {
  name: string
  image: string
  imagePullPolicy?: string
  command?: string[]
  args?: string[]
  workingDir?: string
  env?: {
    name: string
    value?: string
    valueFrom?: { secretKeyRef?: { name: string; key: string } }
  }[]
  envFrom?: { secretRef?: { name: string } }[]
  resources?: { limits?: { memory?: string; cpu?: string } }
  securityContext?: {
    runAsUser?: number
    runAsGroup?: number
    privileged?: boolean
    allowPrivilegeEscalation?: boolean
    readOnlyRootFilesystem?: boolean
    capabilities?: { add?: string[]; drop?: string[] }
  }
  lifecycle?: { preStop?: { exec?: { command: string[] } } }
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[]
}

/** Replaces `$(NAME)` in commands as kubelets do: `$$` is a dollar, what is not known stays. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, what: string, name: string | undefined) => {
    if (what === '$') return '$'
    return env[name ?? ''] ?? whole
  })
}
