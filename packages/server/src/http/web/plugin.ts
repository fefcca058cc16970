import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import type { DashboardFile, DashboardFiles } from './dashboard-files.ts'
import { sendFile } from './send-file.ts'

/** Every path that the dashboard's router knows; a page of it is the same document. */
const pages = [
  '/',
  '/sign-in',
  '/repositories',
  '/repositories/*',
  '/runs/*',
  '/compare',
  '/board',
  '/releases/*',
  '/deployments/*',
  '/builds',
  '/builds/*',
  '/templates',
  '/templates/*',
  '/jobs',
  '/jobs/*',
  '/activity',
  '/settings',
  '/settings/*',
] as const

/** Replaced in the document by what its content security policy names. */
const noncePlaceholder = /%CSP_NONCE%/g

/**
 * The dashboard: its pages are open to everybody, and show nothing that the API does not give to whoever
 * has signed in. Null: it has not been built.
 */
export function webPlugin(files: DashboardFiles | null): FastifyPluginAsync {
  return async (app) => {
    for (const url of pages) {
      app.get(url, { schema: { hide: true } }, async (_request, reply) =>
        sendDocument(require(files), reply),
      )
    }
    app.get<{ Params: { '*': string } }>(
      '/assets/*',
      { schema: { hide: true } },
      async (request, reply) => {
        const file = find(require(files), `assets/${request.params['*']}`)
        // Their names change with what is in them.
        reply.header('cache-control', 'public, max-age=31536000, immutable')
        return sendFile(file, request, reply)
      },
    )
    for (const name of ['favicon.svg', 'theme.js']) {
      app.get(`/${name}`, { schema: { hide: true } }, async (request, reply) => {
        reply.header('cache-control', 'no-cache')
        return sendFile(find(require(files), name), request, reply)
      })
    }
  }
}

/** Where no path is ever a page: programs ask there. */
const programs = /^\/(?:v\d+|api|git|mcp|socket\.io|metrics|assets)(?:\/|$)/

/**
 * Answers a browser that was led to a path that is nowhere with the dashboard, which says so and shows the
 * way on; false where it is no such browser, and nothing has been sent.
 */
export function sendMissingPage(
  files: DashboardFiles | null,
  { request, reply, path }: { request: FastifyRequest; reply: FastifyReply; path: string },
): boolean {
  const { accept = '' } = request.headers
  if (files === null || request.method !== 'GET' || programs.test(path)) return false
  if (!/(?:^|,)\s*text\/html\b/i.test(accept)) return false
  sendDocument(files, reply.code(404))
  return true
}

function sendDocument({ document }: DashboardFiles, reply: FastifyReply): FastifyReply {
  const nonce = randomBytes(16).toString('base64')
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', policy(nonce))
    .header('cache-control', 'no-store')
    .send(document.replaceAll(noncePlaceholder, nonce))
}

function require(files: DashboardFiles | null): DashboardFiles {
  if (files === null) {
    throw new AppError(
      'resource_not_found',
      'The dashboard has not been built: `npm run build` does it. The API is described at /docs.',
    )
  }
  return files
}

function find(files: DashboardFiles, name: string): DashboardFile {
  const file = files.byName.get(name)
  if (file === undefined) throw new AppError('resource_not_found', `There is no file ${name}`)
  return file
}

/** Scripts, styles and connections of our own only; what libraries add to the page needs the nonce. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}
