import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GitError } from './git-error.ts'
import { type GitLogin, type GitRemote, protocolOf } from './git-remote.ts'

/** A way to a remote, open until it is closed. Commands of git that use it run in between. */
export interface GitAccess {
  url: string
  /** For `runGit`. */
  protocols: string
  /** For `runGit`: how git gets in. Nothing of it is ever an argument, or in a repository's configuration. */
  env: Readonly<Record<string, string>>
  /** Lines of known_hosts(5) that were learnt on the way; empty unless `learnHostKeys` was asked for. */
  hostKeys(): Promise<string>
  /** Removes what was put on disk for it. Repeating is harmless. */
  close(): Promise<void>
}

/**
 * Opens the way to a remote. `directory` is the caller's own and hidden from steps; what is put there
 * is readable by its owner only, and gone after `close`.
 * `learnHostKeys`: a host that is not known yet is believed, and what it showed can be kept.
 * A `GitError` where the login is of another kind than the remote.
 */
export async function openRemote(
  deps: { directory: string },
  remote: GitRemote & { learnHostKeys?: boolean },
): Promise<GitAccess> {
  const { url, login = null } = remote
  const protocol = protocolOf(url)
  const wanted = protocol === 'ssh' ? 'key' : protocol === 'file' ? null : 'password'
  if (login !== null && login.kind !== wanted) {
    const given = login.kind === 'key' ? 'an SSH key' : 'a user name and password'
    throw new GitError(`${url} is reached by ${protocol}, and its credential is ${given}`, true)
  }
  if (login?.kind === 'password') {
    return { url, protocols: protocol, env: answerPassword(url, login), ...nothingOnDisk }
  }
  if (protocol === 'ssh') return openSsh(deps.directory, remote)
  return { url, protocols: protocol, env: {}, ...nothingOnDisk }
}

const nothingOnDisk = { hostKeys: async () => '', close: async () => undefined }

/**
 * A credential helper for this origin alone: unlike a header of our own, it is not sent on to
 * wherever the remote redirects to.
 */
function answerPassword(
  url: string,
  login: Extract<GitLogin, { kind: 'password' }>,
): Record<string, string> {
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `credential.${new URL(url).origin}.helper`,
    // What git appends ("get") is the argument of a command that does nothing. `printf` is the shell's own.
    GIT_CONFIG_VALUE_0: `!printf 'username=%s\\npassword=%s\\n' "$SLIPWAY_GIT_USERNAME" "$SLIPWAY_GIT_PASSWORD"; :`,
    SLIPWAY_GIT_USERNAME: login.username,
    SLIPWAY_GIT_PASSWORD: login.password,
  }
}

async function openSsh(
  parent: string,
  remote: GitRemote & { learnHostKeys?: boolean },
): Promise<GitAccess> {
  const { url, login = null, hostKeys = null, learnHostKeys = false } = remote
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const directory = await mkdtemp(join(parent, 'ssh-'))
  const close = () => rm(directory, { recursive: true, force: true })
  const knownHosts = join(directory, 'known_hosts')
  const keep = (name: string, content: string, mode = 0o600) =>
    writeFile(join(directory, name), content, { mode })
  try {
    const known = hostKeys !== null || learnHostKeys
    if (known) await keep('known_hosts', asLines(hostKeys ?? ''))
    let passphrase: Record<string, string> = {}
    if (login?.kind === 'key') {
      await keep('key', asLines(login.privateKey))
      if (login.passphrase !== null) {
        await keep('askpass', '#!/bin/sh\nprintf \'%s\\n\' "$SLIPWAY_GIT_PASSPHRASE"\n')
        await chmod(join(directory, 'askpass'), 0o700)
        passphrase = {
          SSH_ASKPASS: join(directory, 'askpass'),
          SSH_ASKPASS_REQUIRE: 'force',
          DISPLAY: ':0',
          SLIPWAY_GIT_PASSPHRASE: login.passphrase,
        }
      }
    }
    return {
      url,
      protocols: 'ssh',
      env: {
        GIT_SSH_VARIANT: 'ssh',
        GIT_SSH_COMMAND: sshCommand({
          key: login !== null,
          known,
          asks: login?.kind === 'key' && login.passphrase !== null,
          learns: learnHostKeys,
        }),
        // ssh takes a per cent sign in a path for the beginning of a token.
        SLIPWAY_GIT_FILES: directory.replaceAll('%', '%%'),
        ...passphrase,
      },
      hostKeys: () => (learnHostKeys ? readFile(knownHosts, 'utf8') : Promise.resolve('')),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** For the shell that git runs it by: paths come from the environment, and are never part of the text. */
function sshCommand(has: { key: boolean; known: boolean; asks: boolean; learns: boolean }): string {
  const options = [
    'IdentityAgent=none',
    'ControlMaster=no',
    'ControlPath=none',
    'PreferredAuthentications=publickey',
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    'UpdateHostKeys=no',
    'HashKnownHosts=no',
    'CheckHostIP=no',
    `StrictHostKeyChecking=${has.learns ? 'accept-new' : 'yes'}`,
    // A key that has a passphrase asks for it, once.
    ...(has.asks ? ['BatchMode=no', 'NumberOfPasswordPrompts=1'] : ['BatchMode=yes']),
    ...(has.key ? ['IdentitiesOnly=yes', 'IdentityFile=\\"$SLIPWAY_GIT_FILES/key\\"'] : []),
    ...(has.known
      ? [
          'UserKnownHostsFile=\\"$SLIPWAY_GIT_FILES/known_hosts\\"',
          'GlobalKnownHostsFile=/dev/null',
        ]
      : []),
  ]
  return ['ssh -F /dev/null', ...options.map((option) => `-o "${option}"`)].join(' ')
}

/** ssh reads no file whose last line is not ended. */
function asLines(text: string): string {
  const lines = text.replaceAll('\r\n', '\n').trim()
  return lines === '' ? '' : `${lines}\n`
}
