import { Empty } from '../../ui/notice.tsx'

/** What stands where figures of GitHub Actions would, for a repository that is not watched. */
export function NotWatched() {
  return (
    <Empty title="GitHub Actions of this repository are not watched.">
      <p>
        Name it in <code>MONITORED_REPOSITORIES</code>, or let GitHub’s webhook tell of it.
      </p>
    </Empty>
  )
}
