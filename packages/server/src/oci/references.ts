const tag = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const digest = /^sha256:[0-9a-f]{64}$/

/** Whether a text is a tag (OCI Distribution Specification 1.1, "Pulling manifests"). */
export function isTag(text: string): boolean {
  return tag.test(text)
}

/** Whether a text is a digest of the one algorithm that is used here, `sha256:<64 hex digits>`. */
export function isDigest(text: string): boolean {
  return digest.test(text)
}
