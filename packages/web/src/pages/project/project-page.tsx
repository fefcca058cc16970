import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { MissingPage } from '../../app/error-pages.tsx'
import { useSees } from '../../session/session.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { Pager } from '../../ui/pager.tsx'
import { RepositoryLink } from '../../ui/repository-link.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { DeployDialog } from '../board/deploy-dialog.tsx'
import { EnvironmentHistory } from './environment-history.tsx'
import { ReleaseTable } from './release-table.tsx'

const route = getRouteApi('/inside/releases/$')
const pageSize = 20

/** One project: its releases, and what each environment has had. */
export function ProjectPage() {
  const { _splat: path = '' } = route.useParams()
  const { page = 1 } = route.useSearch()
  const navigate = useNavigate()
  const [owner = '', name = '', project = ''] = path.split('/')
  const repository = `${owner}/${name}`
  const [opened, setOpened] = useState<Going | null>(null)
  const releases = useQuery({
    queryKey: ['releases', repository, project, page],
    queryFn: ({ signal }) =>
      api.releases.list(
        { repository, project },
        { limit: pageSize, offset: (page - 1) * pageSize },
        { signal },
      ),
    placeholderData: keepPreviousData,
  })
  const environments = useQuery({
    queryKey: ['board', 'environments'],
    queryFn: ({ signal }) => api.environments.list({}, { signal }),
  })
  const names = environments.data?.map((environment) => environment.name) ?? []
  if (!useSees(repository)) return <MissingPage />
  return (
    <Page title={project} subtitle={<RepositoryLink repository={repository} />}>
      <Card title="Releases">
        <QueryView query={releases} lines={6}>
          {({ releases: rows, total }) =>
            rows.length === 0 ? (
              <Empty title="This project has no release." />
            ) : (
              <>
                <ReleaseTable
                  releases={rows}
                  environments={names}
                  onDeploy={(release, environment) =>
                    setOpened({
                      releaseId: release.id,
                      number: release.release_number,
                      environment,
                    })
                  }
                />
                <Pager
                  page={page}
                  more={page * pageSize < total}
                  onPage={(next) =>
                    void navigate({ to: '.', search: (old) => ({ ...old, page: next }) })
                  }
                />
              </>
            )
          }
        </QueryView>
      </Card>
      {names.map((environment) => (
        <EnvironmentHistory
          key={environment}
          place={{ environment, repository, project }}
          onDeploy={(going) => setOpened({ ...going, environment })}
        />
      ))}
      {opened !== null && (
        <DeployDialog
          releaseId={opened.releaseId}
          title={`${project} #${opened.number}`}
          environment={opened.environment}
          onClose={() => setOpened(null)}
        />
      )}
    </Page>
  )
}

interface Going {
  releaseId: string
  number: number
  environment: string
}
