import { InvalidArgumentError } from 'commander'

/** Parses the name of a repository; what cannot be one is a usage error. */
export function repositoryName(text: string): string {
  if (/^[^/\s]+\/[^/\s]+$/.test(text)) return text
  throw new InvalidArgumentError('Write it as owner/name.')
}
