import type { Build } from '@slipway/contract/builds'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuildsApp, createBuildsApp, runsPath, zipRequest } from '../support/builds-app.ts'

let test: BuildsApp
beforeAll(async () => void (test = await createBuildsApp()))
afterAll(() => test.close())

const create = (body: unknown, token?: string) =>
  test.request('POST', runsPath, { body, ...(token === undefined ? {} : { token }) })

async function refused(body: unknown): Promise<{ status: number; error: string; message: string }> {
  const answer = await create(body)
  return { status: answer.statusCode, ...answer.json<{ error: string; message: string }>() }
}

const template = async (archived = false) => {
  const now = new Date()
  const { id } = await test.database.db
    .insertInto('branding_templates')
    .values({
      name: `template ${Math.random()}`,
      created_by: 'admin',
      created_at: now,
      updated_at: now,
      archived_at: archived ? now : null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Lists in lists. */
function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)]
}

describe('POST /api/pipelines/runs', () => {
  it('creates a build as the document shows it', async () => {
    const id = await test.repository('My Custom Fork')
    const body = { ...zipRequest, git_repository_id: id, registry_id: null, custom_parameters: {} }
    const answer = await create(body)
    expect(answer.statusCode).toBe(201)
    const { pipeline_run: build, success } = answer.json<{ success: true; pipeline_run: Build }>()
    expect(success).toBe(true)
    expect(answer.headers['location']).toBe(`${runsPath}/${build.id}`)
    expect(build).toEqual({
      id: expect.any(Number),
      status: 'pending',
      steps_to_execute: ['clone_repo', 'create_zip'],
      git_repository_id: id,
      output_type: 'zip',
      registry_id: null,
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      completed_at: null,
      logs: 'Pipeline run created. Waiting for execution.\n',
      logs_truncated: false,
      repository_info: {
        id,
        name: 'My Custom Fork',
        url: 'git@github.com:user/open-webui.git',
        type: 'ssh',
        is_verified: true,
      },
      build_outputs: [],
      failure_reason: null,
      error: null,
      branding_template_id: null,
      configuration_id: null,
      ref: null,
      commit_sha: null,
      image_name: null,
      image_tag: null,
      build_args: {},
      platforms: [],
      custom_parameters: {},
      steps: [
        {
          key: 'clone_repo',
          name: 'Clone Git Repository',
          status: 'pending',
          progress: null,
          started_at: null,
          completed_at: null,
        },
        expect.objectContaining({ key: 'create_zip', name: 'Create ZIP Archive' }),
      ],
      attempt: 0,
      retry_of: null,
      executed_at: null,
      created_by: 'admin',
    })
    const events = await test.database.pool.query(
      `select repository, data from events where event_type = 'build.created' order by id desc limit 1`,
    )
    expect(events.rows[0]).toEqual({
      repository: 'My Custom Fork',
      data: {
        build_id: build.id,
        repository: 'My Custom Fork',
        steps_to_execute: ['clone_repo', 'create_zip'],
        created_by: 'admin',
      },
    })
  })

  it('builds the official repository where none is named', async () => {
    const build = await test.create({ git_repository_id: null })
    expect(build.git_repository_id).toBeNull()
    expect(build.repository_info).toEqual({
      id: null,
      name: 'open-webui/open-webui',
      url: 'https://github.com/open-webui/open-webui.git',
      type: 'https',
      is_verified: true,
    })
  })

  it('keeps everything that it takes beside', async () => {
    const more = {
      steps_to_execute: ['create_zip', 'apply_branding', 'build_image', 'clone_repo'],
      output_type: 'both' as const,
      branding_template_id: await template(),
      branch: 'release/1',
      image_name: 'team/open-webui',
      image_tag: '1.2.3',
      build_args: { VERSION: '1' },
      platforms: ['linux/arm64/v8'],
      custom_parameters: { title: 'Ours', nested: { list: [1, null] } },
    }
    const build = await test.create(more)
    const { branch, ...same } = more
    expect(build).toMatchObject({ ...same, ref: branch })
    expect(build.steps.map(({ key }) => key)).toEqual([
      'clone_repo',
      'apply_branding',
      'create_zip',
      'build_image',
    ])
  })

  it('names every problem at once, those of the schema and those of what does not fit together', async () => {
    const answer = await refused({
      steps_to_execute: ['create_zip', 'paint', 'create_zip', 'push_registry'],
      output_type: 'both',
      git_repository_id: 999_999,
      registry_id: 'one',
      ref: 'a..b',
      image_name: 'Upper/Case',
      image_tag: '-x',
      platforms: ['linux', 'linux/amd64', 'linux/amd64'],
      build_args: { '1X': 'a' },
      surprise: true,
    })
    expect(answer).toMatchObject({ status: 400, error: 'Validation error' })
    for (const problem of [
      '/steps_to_execute/1 must be one of clone_repo, apply_branding',
      '/steps_to_execute/2 is create_zip a second time',
      '/steps_to_execute must have clone_repo, which create_zip needs',
      '/steps_to_execute must have build_image, which push_registry needs',
      '/output_type is both, which needs the step build_image',
      '/git_repository_id names no repository',
      '/registry_id must be integer,null',
      '/ref must not contain ".."',
      '/image_name must be a name such as',
      '/image_tag must be letters',
      '/platforms must be one: make a build for each',
      '/platforms/0 must be such as linux/amd64',
      '/platforms/2 is linux/amd64 a second time',
      '/build_args/1X must have a name of letters',
      '/surprise is not known here',
    ]) {
      expect(answer.message).toContain(problem)
    }
  })

  it.each([
    [{}, ['/steps_to_execute is missing', '/output_type is missing']],
    [{ ...zipRequest, steps_to_execute: [] }, ['/steps_to_execute must NOT have fewer']],
    [{ ...zipRequest, image_name: 'ghcr.io/acme/runner' }, ['/image_name must be a name such as']],
    [{ ...zipRequest, image_name: 'localhost/runner' }, ['/image_name must be a name such as']],
    [{ ...zipRequest, steps_to_execute: ['clone_repo'] }, ['/output_type is zip, which needs']],
    [
      { ...zipRequest, output_type: 'docker_image' },
      ['/output_type is docker_image, which needs the step build_image'],
    ],
    [
      { ...zipRequest, output_type: 'tar' },
      ['/output_type must be one of zip, docker_image, both'],
    ],
    [
      {
        steps_to_execute: ['clone_repo', 'build_image', 'push_registry'],
        output_type: 'docker_image',
      },
      ['/registry_id is missing: push_registry needs it'],
    ],
    [
      {
        ...zipRequest,
        steps_to_execute: ['clone_repo', 'apply_branding', 'apply_config', 'create_zip'],
      },
      [
        '/branding_template_id is missing: apply_branding needs it',
        '/configuration_id is missing: apply_config needs it',
      ],
    ],
    [{ ...zipRequest, ref: 'main', branch: 'dev' }, ['/branch and /ref name different things']],
    [[], ['must be object']],
    [
      { ...zipRequest, custom_parameters: { a: [{ b: 'x\u0000' }] } },
      ['/custom_parameters must not hold NUL'],
    ],
    [
      { ...zipRequest, custom_parameters: { '\ud800': 1 } },
      ['/custom_parameters must not hold NUL or half'],
    ],
    [
      { ...zipRequest, custom_parameters: { a: nested(60) } },
      ['/custom_parameters must not be nested'],
    ],
    [{ ...zipRequest, custom_parameters: [] }, ['/custom_parameters must be object']],
  ] as [unknown, string[]][])('refuses %j', async (body, problems) => {
    const answer = await refused(body)
    expect(answer).toMatchObject({ status: 400, error: 'Validation error' })
    for (const problem of problems) expect(answer.message).toContain(problem)
  })

  it('stores no more than 64 KiB of parameters', async () => {
    const of = (bytes: number) => ({ ...zipRequest, custom_parameters: { a: 'x'.repeat(bytes) } })
    expect((await refused(of(66_000))).message).toContain('/custom_parameters must not be larger')
    expect((await create(of(65_000))).statusCode).toBe(201)
  })

  it('says 404 of ids that do not exist where nothing else is wrong', async () => {
    const body = {
      steps_to_execute: ['clone_repo', 'apply_branding', 'create_zip'],
      output_type: 'zip',
      git_repository_id: 999_999,
      branding_template_id: 999_998,
    }
    expect(await refused(body)).toEqual({
      status: 404,
      error: 'Resource not found',
      message: 'There is no repository 999999; There is no branding template 999998',
    })
    expect(await refused({ ...body, output_type: 'docker_image' })).toMatchObject({ status: 400 })
  })

  it('refuses repositories that are not verified, and what is archived', async () => {
    const unverified = await test.repository('acme/unverified', {
      is_verified: false,
      verification_message: 'It does not answer',
    })
    const archived = await test.repository('acme/archived', { archived_at: new Date() })
    expect((await refused({ ...zipRequest, git_repository_id: unverified })).message).toContain(
      '/git_repository_id names a repository that is not verified: It does not answer',
    )
    expect((await refused({ ...zipRequest, git_repository_id: archived })).message).toContain(
      '/git_repository_id names an archived repository',
    )
    const old = {
      steps_to_execute: ['clone_repo', 'apply_branding', 'create_zip'],
      output_type: 'zip',
      branding_template_id: await template(true),
    }
    expect((await refused(old)).message).toContain('names an archived branding template')
  })

  it('keeps a repository that it was made of, unless that is archived', async () => {
    const id = await test.repository('acme/kept')
    await test.create({ git_repository_id: id })
    const path = `/api/repositories/${id}`
    const used = await test.request('DELETE', path)
    expect([used.statusCode, used.json().error]).toEqual([409, 'Resource in use'])
    const archive = async (archived: boolean) =>
      (await test.request('PUT', path, { body: { archived } })).json().repository.archived
    const isListed = async (query = '') => {
      const answer = await test.request('GET', `/api/repositories?name=acme/kept${query}`)
      return answer.json<{ count: number }>().count === 1
    }
    expect([await archive(true), await isListed(), await isListed('&archived=true')]).toEqual([
      true,
      false,
      true,
    ])
    expect([await archive(false), await isListed()]).toEqual([false, true])
    await archive(true)
    expect((await test.request('DELETE', path)).statusCode).toBe(200)
  })

  it('shows a limited token nothing of other repositories', async () => {
    const mine = await test.repository('acme/mine')
    const theirs = await test.repository('acme/theirs')
    const token = await test.tokenFor(['developer'], { repositories: ['acme/mine'] })
    const asked = async (body: object) =>
      (await create({ ...zipRequest, ...body }, token)).statusCode
    expect(await asked({ git_repository_id: mine })).toBe(201)
    expect(await asked({ git_repository_id: theirs })).toBe(404)
    // The official one is a repository like any other.
    expect(await asked({})).toBe(403)
    const branded = {
      steps_to_execute: ['clone_repo', 'apply_branding', 'create_zip'],
      git_repository_id: mine,
      branding_template_id: await template(),
    }
    expect(await asked(branded)).toBe(403)
  })

  it('needs builds:create', async () => {
    const viewer = await test.tokenFor(['viewer'])
    const answer = await create(zipRequest, viewer)
    expect([answer.statusCode, answer.json().error]).toEqual([403, 'Permission denied'])
    expect(
      (await test.request('POST', runsPath, { body: zipRequest, token: null })).statusCode,
    ).toBe(401)
  })
})
