/**
 * Shapes of secrets: what a library, a server far away or a URL of a user's may have put into a message. What
 * is secret is not logged in the first place; this is for what nobody thought of.
 */
const shapes: readonly [RegExp, string][] = [
  // The login of a URL, as it is in JSON.
  [/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#"'\\@]{1,512}@/gi, '$1…@'],
  [/\b(bearer|basic) +[A-Za-z0-9+/=._~-]{8,}/gi, '$1 …'],
  // Ours, GitHub's, AWS's, npm's, and signed tokens.
  [/\bslw_[A-Za-z0-9_-]{8,}/g, 'slw_…'],
  [/\b(gh[a-z]_|github_pat_|npm_)[A-Za-z0-9_]{16,}/g, '$1…'],
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/g, '$1…'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, 'eyJ…'],
  [
    /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^"]*?-----END [A-Z ]{0,30}PRIVATE KEY-----/g,
    '(private key)',
  ],
  [/([?&](?:ticket|signature|token|access_token|X-Amz-Signature)=)[^&\s"'\\]+/gi, '$1…'],
]

/** A line of log without what looks like a secret. */
export function redactLine(line: string): string {
  let redacted = line
  for (const [shape, instead] of shapes) redacted = redacted.replace(shape, instead)
  return redacted
}
