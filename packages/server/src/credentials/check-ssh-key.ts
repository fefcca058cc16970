import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../errors.ts'

const run = promisify(execFile)

/**
 * Lets ssh-keygen read a private key, and answers the fingerprint. An `unavailable` where it can't:
 * not a key, or not its passphrase. The key is on disk, in `directory`, for that moment only.
 */
export async function checkSshKey(
  directory: string,
  key: { privateKey: string; passphrase: string | null },
): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(directory, 'key-'))
  const file = join(folder, 'key')
  const askpass = join(folder, 'askpass')
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    SSH_ASKPASS: askpass,
    SSH_ASKPASS_REQUIRE: 'force',
    DISPLAY: ':0',
    SLIPWAY_GIT_PASSPHRASE: key.passphrase ?? '',
  }
  try {
    await writeFile(file, `${key.privateKey.replaceAll('\r\n', '\n').trim()}\n`, { mode: 0o600 })
    await writeFile(askpass, '#!/bin/sh\nprintf \'%s\\n\' "$SLIPWAY_GIT_PASSPHRASE"\n')
    await chmod(askpass, 0o700)
    const options = { env, timeout: 20_000 }
    // Unlike a fingerprint, the public key is made from the private one, which has to be opened for it.
    const { stdout: publicKey } = await run('ssh-keygen', ['-y', '-f', file], options)
    await writeFile(`${file}.pub`, publicKey)
    const { stdout } = await run('ssh-keygen', ['-l', '-f', `${file}.pub`], options)
    return stdout.split(' ')[1] ?? ''
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    const wrong = /passphrase/i.test(stderr ?? '')
    throw new AppError(
      'unavailable',
      wrong ? 'The passphrase is not that of the private key' : 'The private key can’t be read',
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
