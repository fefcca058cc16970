import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import type { TestRepository } from './git-repository.ts'

/** Serves a repository by git's smart HTTP to the end of the test; answers its URL. */
export async function serveGit(
  repository: TestRepository,
  options: {
    /** Say nothing more where the objects of a fetch would begin. */
    stall?: boolean
    /** Let in only who says this. */
    login?: { username: string; password: string }
    /** Called with the `Authorization` of every request. */
    onRequest?: (authorization: string | undefined) => void | Promise<void>
  } = {},
): Promise<string> {
  const uploadPack = (request: IncomingMessage, args: readonly string[], input: Buffer) =>
    // What it refuses, it says to the client.
    spawnSync('git', ['upload-pack', '--stateless-rpc', ...args, repository.directory], {
      input,
      maxBuffer: 1024 * 1024 * 1024,
      env: { PATH: process.env['PATH'], GIT_PROTOCOL: String(request.headers['git-protocol']) },
    }).stdout
  const server = createServer((request, response) => {
    void buffer(request).then(async (raw) => {
      const { authorization } = request.headers
      await options.onRequest?.(authorization)
      if (options.login !== undefined && authorization !== basic(options.login)) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
        return
      }
      if (request.method === 'GET') {
        response.setHeader('content-type', 'application/x-git-upload-pack-advertisement')
        response.write('001e# service=git-upload-pack\n0000')
        response.end(uploadPack(request, ['--advertise-refs'], Buffer.alloc(0)))
        return
      }
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      const answer = uploadPack(request, [], body)
      response.setHeader('content-type', 'application/x-git-upload-pack-result')
      const objects = answer.indexOf('packfile\n')
      if (options.stall === true && objects >= 0) response.write(answer.subarray(0, objects + 9))
      else response.end(answer)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.git`
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
