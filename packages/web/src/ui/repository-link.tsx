import { Link } from '@tanstack/react-router'

/** `owner/name`, as a link to its page. */
export function RepositoryLink({ repository }: { repository: string }) {
  const [owner = '', name = ''] = repository.split('/')
  return (
    <Link to="/repositories/$owner/$name" params={{ owner, name }}>
      {repository}
    </Link>
  )
}
