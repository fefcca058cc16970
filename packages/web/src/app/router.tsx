import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  redirect,
} from '@tanstack/react-router'
import { isSignedOut } from '../api/query-client.ts'
import { sessionQuery } from '../session/session.ts'
import { SignInPage } from '../session/sign-in-page.tsx'
import { BrokenDocument, BrokenPage, MissingPage } from './error-pages.tsx'
import { lazyPage } from './lazy-page.ts'
import { listSearch } from './list-search.ts'
import { repositorySearch } from '../pages/repository/repository-search.ts'
import { settingsSearch } from '../pages/settings/settings-search.ts'
import { buildsSearch } from '../pages/builds/builds-search.ts'
import { jobsSearch } from '../pages/jobs/jobs-search.ts'
import { lineSearch } from './line-search.ts'
import { localPath } from './local-path.ts'
import { Shell } from './shell.tsx'

interface Context {
  queries: QueryClient
}

const root = createRootRouteWithContext<Context>()({
  errorComponent: BrokenDocument,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: SignInPage,
  validateSearch: (search: Record<string, unknown>) => ({
    return_to: localPath(search.return_to),
    ...(typeof search.sign_in_error === 'string' ? { sign_in_error: search.sign_in_error } : {}),
  }),
})

/** All that needs somebody who is signed in. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  errorComponent: BrokenDocument,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.query({ ...sessionQuery, staleTime: 'static' })
    } catch (error) {
      if (!isSignedOut(error)) throw error
      redirect({ to: '/sign-in', search: { return_to: location.href }, throw: true })
    }
  },
})

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  validateSearch: listSearch,
  component: lazyPage(() => import('../pages/overview/overview-page.tsx'), 'OverviewPage'),
})

const run = createRoute({
  getParentRoute: () => inside,
  path: '/runs/$id',
  component: lazyPage(() => import('../pages/run/run-page.tsx'), 'RunPage'),
  validateSearch: (search: Record<string, unknown>): { step?: string; line?: number } => ({
    ...(typeof search.step === 'string' ? { step: search.step } : {}),
    ...lineSearch(search),
  }),
})

const repository = createRoute({
  getParentRoute: () => inside,
  path: '/repositories/$owner/$name',
  validateSearch: repositorySearch,
  component: lazyPage(() => import('../pages/repository/repository-page.tsx'), 'RepositoryPage'),
})

const board = createRoute({
  getParentRoute: () => inside,
  path: '/board',
  validateSearch: listSearch,
  component: lazyPage(() => import('../pages/board/board-page.tsx'), 'BoardPage'),
})

const project = createRoute({
  getParentRoute: () => inside,
  path: '/releases/$',
  validateSearch: listSearch,
  component: lazyPage(() => import('../pages/project/project-page.tsx'), 'ProjectPage'),
})

const repositories = createRoute({
  getParentRoute: () => inside,
  path: '/repositories',
  validateSearch: listSearch,
  component: lazyPage(
    () => import('../pages/repositories/repositories-page.tsx'),
    'RepositoriesPage',
  ),
})

const compare = createRoute({
  getParentRoute: () => inside,
  path: '/compare',
  validateSearch: (search: Record<string, unknown>) => ({
    left: String(search.left),
    right: String(search.right),
  }),
  component: lazyPage(() => import('../pages/compare/compare-page.tsx'), 'ComparePage'),
})

const activity = createRoute({
  getParentRoute: () => inside,
  path: '/activity',
  validateSearch: listSearch,
  component: lazyPage(() => import('../pages/activity/activity-page.tsx'), 'ActivityPage'),
})

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  validateSearch: settingsSearch,
  component: lazyPage(() => import('../pages/settings/settings-page.tsx'), 'SettingsPage'),
})

const jobs = createRoute({
  getParentRoute: () => inside,
  path: '/jobs',
  validateSearch: jobsSearch,
  component: lazyPage(() => import('../pages/jobs/jobs-page.tsx'), 'JobsPage'),
})

const job = createRoute({
  getParentRoute: () => inside,
  path: '/jobs/$id',
  validateSearch: lineSearch,
  component: lazyPage(() => import('../pages/job/job-page.tsx'), 'JobPage'),
})

const builds = createRoute({
  getParentRoute: () => inside,
  path: '/builds',
  validateSearch: buildsSearch,
  component: lazyPage(() => import('../pages/builds/builds-page.tsx'), 'BuildsPage'),
})

const newBuild = createRoute({
  getParentRoute: () => inside,
  path: '/builds/new',
  component: lazyPage(() => import('../pages/new-build/new-build-page.tsx'), 'NewBuildPage'),
})

const build = createRoute({
  getParentRoute: () => inside,
  path: '/builds/$id',
  validateSearch: lineSearch,
  component: lazyPage(() => import('../pages/build/build-page.tsx'), 'BuildPage'),
})

const templates = createRoute({
  getParentRoute: () => inside,
  path: '/templates',
  component: lazyPage(() => import('../pages/templates/templates-page.tsx'), 'TemplatesPage'),
})

const template = createRoute({
  getParentRoute: () => inside,
  path: '/templates/$id',
  component: lazyPage(() => import('../pages/template/template-page.tsx'), 'TemplatePage'),
})

const configuration = createRoute({
  getParentRoute: () => inside,
  path: '/templates/configurations/$id',
  component: lazyPage(
    () => import('../pages/templates/configuration-page.tsx'),
    'ConfigurationPage',
  ),
})

/** What is nowhere is said inside the shell, from where one can go on. */
const nowhere = createRoute({ getParentRoute: () => inside, path: '$', component: MissingPage })

const routeTree = root.addChildren([
  signIn,
  inside.addChildren([
    overview,
    repositories,
    repository,
    run,
    compare,
    board,
    project,
    activity,
    settings,
    builds,
    newBuild,
    build,
    templates,
    template,
    configuration,
    jobs,
    job,
    nowhere,
  ]),
])

export function createAppRouter(queries: QueryClient) {
  return createRouter({
    routeTree,
    context: { queries },
    defaultPreload: 'intent',
    // Answers are kept by the query client.
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: BrokenPage,
    defaultNotFoundComponent: MissingPage,
    scrollRestoration: true,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
