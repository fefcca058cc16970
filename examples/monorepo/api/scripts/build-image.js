// Writes an OCI image layout (https://github.com/opencontainers/image-spec) with the sources as
// its only layer. The same sources give the same bytes, and so the same digest.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const output = process.argv[2] ?? 'dist/image'
const blobs = join(output, 'blobs', 'sha256')
await rm(output, { recursive: true, force: true })
await mkdir(blobs, { recursive: true })

const sources = (await readdir('src')).toSorted()
const files = await Promise.all(
  sources.map(async (name) => ({ path: `app/src/${name}`, content: await readFile(`src/${name}`) })),
)
files.push({ path: 'app/package.json', content: await readFile('package.json') })
for (const { path, content } of files) console.log(`add    ${path} (${content.length} bytes)`)

const layer = Buffer.concat([...files.flatMap(tarEntry), Buffer.alloc(1024)])
const config = await writeJson('config', {
  architecture: 'amd64',
  os: 'linux',
  config: { Cmd: ['node', '/app/src/server.js'], WorkingDir: '/app', ExposedPorts: { '8080/tcp': {} } },
  rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
})
const layers = [
  {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    ...(await writeBlob('layer', gzipSync(layer, { level: 9 }))),
  },
]
const mediaType = 'application/vnd.oci.image.manifest.v1+json'
const manifest = await writeJson('manifest', {
  schemaVersion: 2,
  mediaType,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
  layers,
})
const index = { schemaVersion: 2, manifests: [{ mediaType, ...manifest }] }
await writeFile(join(output, 'index.json'), JSON.stringify(index))
await writeFile(join(output, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
console.log(`done   ${manifest.digest}`)

async function writeBlob(what, content) {
  const digest = sha256(content)
  await writeFile(join(blobs, digest), content)
  console.log(`write  ${what} sha256:${digest.slice(0, 12)} (${content.length} bytes)`)
  return { digest: `sha256:${digest}`, size: content.length }
}

async function writeJson(what, value) {
  return writeBlob(what, Buffer.from(JSON.stringify(value)))
}

function sha256(content) {
  return createHash('sha256').update(content).digest('hex')
}

/** One file in the ustar format, its content padded to whole blocks of 512 bytes. */
function tarEntry({ path, content }) {
  const header = Buffer.alloc(512)
  const octal = (value, length) => `${value.toString(8).padStart(length - 1, '0')}\0`
  header.write(path, 0)
  header.write(octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) + octal(0, 12), 100)
  header.write(`${' '.repeat(8)}0`, 148)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]
}
