import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { Build, BuildOutput } from '@slipway/contract/builds'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type BuildsApp,
  createBuildsApp,
  runsPath,
  someImage,
  storeZip,
  zipRequest,
} from '../support/builds-app.ts'

let test: BuildsApp
beforeAll(async () => void (test = await createBuildsApp()))
afterAll(() => test.close())

const content = randomBytes(100_000)
const sha256 = createHash('sha256').update(content).digest()
const etag = `"${sha256.toString('hex')}"`
const digest = `sha-256=:${sha256.toString('base64')}:`

const bothRequest = {
  steps_to_execute: ['clone_repo', 'create_zip', 'build_image'],
  output_type: 'both' as const,
}
const builtZip = (over = {}) =>
  test.built({ ...zipRequest, ...over }, async (attempt) => [
    await storeZip(test, attempt, content),
  ])
const only = (build: Build): BuildOutput => build.build_outputs[0] as BuildOutput
const get = (id: number, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
  test.request(method, `/api/pipelines/outputs/${id}/download`, { headers })
const expire = (where: string) =>
  test.database.pool.query(`update build_outputs set expires_at = now() - interval '1 s' ${where}`)
const counted = async (id: number) => {
  const { rows } = await test.database.pool.query<{ download_count: number }>(
    'select download_count from build_outputs where id = $1',
    [id],
  )
  return rows[0]?.download_count
}

describe('GET /api/pipelines/runs/{id}/outputs', () => {
  it('lists a ZIP and an image as the document shows them', async () => {
    const { id } = await test.built(bothRequest, async (attempt) => [
      await storeZip(test, attempt, content),
      someImage(),
    ])
    const answer = await test.request('GET', `${runsPath}/${id}/outputs`)
    expect(answer.statusCode).toBe(200)
    const body = answer.json<{ build_outputs: BuildOutput[] }>()
    const [zip, image] = body.build_outputs
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(body).toEqual({
      success: true,
      build_outputs: [
        {
          id: zip?.id,
          output_type: 'zip',
          file_path: `builds/${id}/outputs/1/open_webui_custom_20240108_101500.zip`,
          file_size_bytes: content.length,
          checksum_sha256: sha256.toString('hex'),
          download_count: 0,
          expires_at: timestamp,
          created_at: timestamp,
          download_url: `/api/pipelines/outputs/${zip?.id}/download`,
        },
        {
          id: image?.id,
          output_type: 'docker_image',
          image_url: 'open-webui-custom:20240108_101505',
          image_digest: null,
          image_size_bytes: 1_234,
          download_count: 0,
          expires_at: timestamp,
          created_at: timestamp,
        },
      ],
      count: 2,
    })
    const kept = (output: BuildOutput | undefined) =>
      Date.parse(output?.expires_at ?? '') - Date.parse(output?.created_at ?? '')
    expect([kept(zip), kept(image)]).toEqual([7 * 86_400_000, 86_400_000])
    expect((await test.show(id)).build_outputs).toEqual(body.build_outputs)
  })

  it('keeps an image that was pushed for ever', async () => {
    const pushed = someImage('r.test/team/x:1', `sha256:${'b'.repeat(64)}`)
    const build = await test.built(bothRequest, () => [pushed])
    expect(only(build)).toMatchObject({
      image_url: 'r.test/team/x:1',
      image_digest: `sha256:${'b'.repeat(64)}`,
      expires_at: null,
    })
  })

  it('is 404 for what is not there or not to be seen', async () => {
    expect((await test.request('GET', `${runsPath}/999999/outputs`)).statusCode).toBe(404)
    const { id } = await test.create()
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/other'] })
    expect((await test.request('GET', `${runsPath}/${id}/outputs`, { token })).statusCode).toBe(404)
  })
})

describe('GET /api/pipelines/outputs/{id}/download', () => {
  it('sends the file as an attachment, with its digest, and counts it', async () => {
    const { id } = only(await builtZip())
    const answer = await get(id)
    expect(answer.statusCode).toBe(200)
    expect(answer.rawPayload.equals(content)).toBe(true)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(content.length),
      'content-disposition': `attachment; filename="open_webui_custom_20240108_101500.zip"; filename*=UTF-8''open_webui_custom_20240108_101500.zip`,
      'accept-ranges': 'bytes',
      etag,
      'repr-digest': digest,
      'last-modified': expect.stringMatching(/ GMT$/),
      'cache-control': 'private, no-cache, no-transform',
    })
    await expect.poll(() => counted(id)).toBe(1)
  })

  it('answers byte ranges, and counts a file in parts once', async () => {
    const { id } = only(await builtZip())
    const middle = 60_000
    const first = await get(id, { range: `bytes=0-${middle - 1}` })
    expect(first.statusCode).toBe(206)
    expect(first.headers).toMatchObject({
      'content-range': `bytes 0-${middle - 1}/${content.length}`,
      'content-length': String(middle),
      'repr-digest': digest,
      etag,
    })
    const rest = await get(id, { range: `bytes=${middle}-`, 'if-range': etag })
    expect(rest.statusCode).toBe(206)
    const whole = Buffer.concat([first.rawPayload, rest.rawPayload])
    expect(whole.equals(content)).toBe(true)
    const end = await get(id, { range: 'bytes=-10', 'if-range': '"other"' })
    // It is another file now: all of it.
    expect([end.statusCode, end.rawPayload.length]).toEqual([200, content.length])
    await expect.poll(() => counted(id)).toBe(2)
    const beyond = await get(id, { range: `bytes=${content.length}-` })
    expect([beyond.statusCode, beyond.headers['content-range'], beyond.json()]).toEqual([
      416,
      `bytes */${content.length}`,
      {
        error: 'Download error',
        message: `The file has ${content.length} bytes, and not those of the range`,
      },
    ])
    // Several ranges at once are answered as none.
    expect((await get(id, { range: 'bytes=0-1,5-6' })).statusCode).toBe(200)
  })

  it('sends nothing to who has it, nor to who only asks', async () => {
    const { id } = only(await builtZip())
    const known = await get(id, { 'if-none-match': `"x", ${etag}` })
    expect([known.statusCode, known.body, known.headers['etag']]).toEqual([304, '', etag])
    const head = await get(id, {}, 'HEAD')
    expect([head.statusCode, head.body]).toEqual([200, ''])
    expect(head.headers).toMatchObject({
      'content-length': String(content.length),
      'repr-digest': digest,
      etag,
    })
    expect(await counted(id)).toBe(0)
  })

  it('does not count what breaks off', async () => {
    const large = randomBytes(8_000_000)
    const build = await test.built({}, async (attempt) => [await storeZip(test, attempt, large)])
    const { id } = only(build)
    const url = await test.app.listen({ port: 0, host: '127.0.0.1' })
    await new Promise<void>((resolve, reject) => {
      const asked = httpRequest(
        `${url}/api/pipelines/outputs/${id}/download`,
        { agent: false, headers: { authorization: `Bearer ${test.token}` } },
        (response) => {
          response.once('data', () => response.destroy())
          response.once('close', resolve)
        },
      )
      asked.once('error', reject)
      asked.end()
    })
    const whole = await get(id)
    expect(whole.rawPayload.length).toBe(large.length)
    await expect.poll(() => counted(id)).toBe(1)
  })

  it('is 410 for what has expired, before anything was cleaned up', async () => {
    const { id } = only(await builtZip())
    await expire(`where id = ${id}`)
    const answer = await get(id)
    expect([answer.statusCode, answer.json().error]).toEqual([410, 'Download error'])
    expect(answer.json().message).toMatch(/^Build output \d+ was kept until \d{4}-/)
  })

  it('is 400 for an image', async () => {
    const { id } = only(await test.built(bothRequest, () => [someImage()]))
    const answer = await get(id)
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      {
        error: 'Download error',
        message: `Build output ${id} is an image, which is pulled, not downloaded`,
      },
    ])
  })

  it('is 404 for an output that is not there or hidden, and for a file that is gone', async () => {
    const unknown = await get(999_999)
    expect([unknown.statusCode, unknown.json().error]).toEqual([404, 'Resource not found'])
    const { id, file_path: key = '' } = only(await builtZip())
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/other'] })
    const hidden = await test.request('GET', `/api/pipelines/outputs/${id}/download`, { token })
    expect([hidden.statusCode, hidden.json().error]).toEqual([404, 'Resource not found'])
    await test.builds.objects.delete(key)
    const gone = await get(id)
    expect([gone.statusCode, gone.json().error]).toEqual([404, 'Download error'])
    const wrong = await test.request('GET', '/api/pipelines/outputs/x/download')
    expect([wrong.statusCode, wrong.json().error]).toEqual([400, 'Validation error'])
  })
})
