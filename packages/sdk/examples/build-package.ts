// Builds a package of a Git repository, shows its log as it is written, and downloads the ZIP.
//   SLIPWAY_URL=… SLIPWAY_TOKEN=… npx tsx build-package.ts https://git.example/acme/shop.git shop.zip
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createClient } from '@slipway/sdk'

const { SLIPWAY_URL = 'http://127.0.0.1:3000', SLIPWAY_TOKEN } = process.env
const [url, file] = process.argv.slice(2)
if (!url || !file) throw new Error('build-package.ts <repository URL> <file>')

const slipway = createClient({ baseUrl: SLIPWAY_URL, token: SLIPWAY_TOKEN })
const repository = await slipway.repositories.create({ name: url, repository_url: url })
if (!repository.is_verified) throw new Error(`${url} cannot be reached`)

const build = await slipway.builds.create({
  steps_to_execute: ['clone_repo', 'create_zip'],
  git_repository_id: repository.id,
  output_type: 'zip',
})
await slipway.builds.execute(build.id)

// Everything of the build, each thing once; the loop ends behind the message `end`.
let output: number | null = null
for await (const message of slipway.builds.subscribe(build.id)) {
  if (message.type === 'log') console.log(message.line)
  if (message.type === 'step') console.log(`${message.key}: ${message.status}`)
  if (message.type === 'output') output = message.build_output.id
  if (message.type === 'end') console.log(`The build has ${message.status}`)
}
if (output === null) throw new Error('The build made nothing')

const { body, size, sha256 } = await slipway.builds.download(output)
const hash = createHash('sha256')
async function* hashed() {
  for await (const chunk of Readable.fromWeb(body as never)) {
    hash.update(chunk as Uint8Array)
    yield chunk as Uint8Array
  }
}
await pipeline(hashed, createWriteStream(file))
if (hash.digest('hex') !== sha256) throw new Error(`${file} is not what was built`)
console.log(`${file}: ${size} bytes, ${sha256}`)
