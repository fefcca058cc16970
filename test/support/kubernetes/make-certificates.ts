import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** An authority, and a certificate of it for 127.0.0.1; files in `folder`. */
export async function makeCertificates(
  folder: string,
): Promise<{ caFile: string; cert: Buffer; key: Buffer }> {
  const openssl = (args: string) => run('openssl', args.split(' '), { cwd: folder })
  const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  await openssl(`req -x509 ${curve} -days 2 -keyout ca.key -out ca.crt -subj /CN=cluster`)
  await writeFile(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:kubernetes.default.svc\n')
  await openssl(`req -new ${curve} -keyout api.key -out api.csr -subj /CN=api`)
  await openssl(
    'x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out api.crt',
  )
  return {
    caFile: join(folder, 'ca.crt'),
    cert: await readFile(join(folder, 'api.crt')),
    key: await readFile(join(folder, 'api.key')),
  }
}
