import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** An authority of its own, and what it certifies. Paths are of PEM files. */
export interface TestCertificates {
  readonly authority: string
  /** For 127.0.0.1, or for a client. */
  issue(name: string): Promise<{ cert: string; key: string }>
  close(): Promise<void>
}

export async function makeCertificates(): Promise<TestCertificates> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-certificates-'))
  const at = (name: string) => join(folder, name)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const authority = { cert: at('authority.pem'), key: at('authority-key.pem') }
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    await run('openssl', [
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      authority.key,
      '-out',
      authority.cert,
      '-subj',
      '/CN=test authority',
      '-days',
      '1',
    ])
  } catch (error) {
    await close()
    throw error
  }
  return {
    authority: authority.cert,
    async issue(name) {
      const [cert, key, request, extensions] = ['', '-key', '-request', '-extensions'].map((part) =>
        at(`${name}${part}.pem`),
      ) as [string, string, string, string]
      await writeFile(extensions, 'subjectAltName = IP:127.0.0.1\n')
      const subject = `/CN=${name}`
      await run('openssl', ['req', ...newKey, '-keyout', key, '-out', request, '-subj', subject])
      const signed = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial']
      const made = ['-days', '1', '-out', cert, '-extfile', extensions]
      await run('openssl', ['x509', '-req', '-in', request, ...signed, ...made])
      return { cert, key }
    },
    close,
  }
}
