/** A branding template, as it was when it was read. */
export interface BrandingToApply {
  name: string
  brandName: string | null
  rules: readonly ReplacementRule[]
  assets: readonly AssetToPlace[]
}

export interface AssetToPlace {
  fileName: string
  targetPath: string
  /** In the object store. */
  objectKey: string
  sizeBytes: number
  sha256: string
}

export interface ReplacementRule {
  pattern: string
  replacement: string
  use_regex: boolean
  /** Globs of the files it is for; absent or empty: every text file. */
  files?: readonly string[]
}
