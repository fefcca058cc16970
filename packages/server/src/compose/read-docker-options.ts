import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/read-config.ts'
import type { DockerOptions } from '../docker/index.ts'
import { StartupError } from '../errors.ts'

/** Where the Docker engine of the settings is, and what it is spoken to with; it is not contacted. */
export async function readDockerOptions({ images }: Config): Promise<DockerOptions> {
  const { host, certPath } = images
  const tls = certPath === null || host.kind === 'unix' ? null : await readCertificates(certPath)
  return { host, tls }
}

async function readCertificates(directory: string) {
  try {
    const [ca, cert, key] = await Promise.all([
      readFile(join(directory, 'ca.pem')),
      readFile(join(directory, 'cert.pem')),
      readFile(join(directory, 'key.pem')),
    ])
    return { ca, cert, key }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartupError(`DOCKER_CERT_PATH: ${why}`)
  }
}
