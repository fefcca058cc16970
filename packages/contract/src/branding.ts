import Type, { type Static } from 'typebox'
import { IntegerId } from './credentials.ts'
import { RefName, Text, Timestamp, UnchangedSince } from './fields.ts'
import { assetTypes, brandingLimits } from './vocabulary.ts'

// Branding templates (`/api/branding/templates`): what a build is dressed in.

const orNull = <Schema extends { type: 'string' | 'integer' }>(schema: Schema) => ({
  ...schema,
  type: [schema.type, 'null'],
})
const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })

const Name = Text({ minLength: 1, maxLength: 100, description: 'Unique.' })
const Description = Type.Unsafe<string | null>(
  orNull(Text({ maxLength: 2_000, description: 'For people.' })),
)
const BrandName = Type.Unsafe<string | null>(
  orNull(Text({ maxLength: 200, description: 'What `{{brand_name}}` in a replacement is.' })),
)

/** What is replaced in text files, and by what. */
export const BrandingRule = Type.Object(
  {
    pattern: Text({
      minLength: 1,
      maxLength: brandingLimits.patternLength,
      description: 'The text that is looked for, or a regular expression without look-around.',
    }),
    replacement: Text({
      maxLength: brandingLimits.replacementLength,
      description:
        '`{{brand_name}}` and `{{parameter}}` are replaced by their values; with `use_regex` also `$1`, `${name}`, `$0` (all of it) and `$$` (a dollar sign).',
    }),
    use_regex: Type.Optional(
      Type.Boolean({ default: false, description: 'The pattern is a regular expression.' }),
    ),
    files: Type.Optional(
      Type.Array(Text({ minLength: 1, maxLength: brandingLimits.globLength }), {
        maxItems: brandingLimits.globs,
        description:
          'Globs of the files it is for (`*`, `**`, `?`, `[a-z]`, `{a,b}`; `!` in front excludes); one without a slash means that name in every folder. Absent or empty: every text file.',
      }),
    ),
  },
  { $id: 'BrandingRule', additionalProperties: false },
)
export type BrandingRule = Static<typeof BrandingRule>

const Rules = Type.Array(BrandingRule, {
  maxItems: brandingLimits.rules,
  description: 'Applied in this order, each to what the ones before it left.',
})
const Archived = Type.Boolean({
  description:
    'Archived: in no list unless asked for, refused for new builds, and may be deleted although builds used it.',
})

export const CreateTemplateRequest = Type.Object(
  {
    name: Name,
    description: Type.Optional(Description),
    brand_name: Type.Optional(BrandName),
    replacement_rules: Type.Optional(Rules),
  },
  { $id: 'CreateBrandingTemplateRequest', additionalProperties: false },
)
export type CreateTemplateRequest = Static<typeof CreateTemplateRequest>

export const UpdateTemplateRequest = Type.Object(
  {
    name: Type.Optional(Name),
    description: Type.Optional(Description),
    brand_name: Type.Optional(BrandName),
    replacement_rules: Type.Optional(Rules),
    archived: Type.Optional(Archived),
    unchanged_since: Type.Optional(UnchangedSince),
  },
  { $id: 'UpdateBrandingTemplateRequest', additionalProperties: false, minProperties: 1 },
)
export type UpdateTemplateRequest = Static<typeof UpdateTemplateRequest>

/** What an asset is for, which says of what types it may be. */
export const AssetType = Type.Enum([...assetTypes])
export type AssetType = Static<typeof AssetType>

/** `a/b.png`: no `.`, `..`, `.git`, backslash, control character or drive, which the server judges. */
export const TargetPath = Text({
  minLength: 1,
  maxLength: 500,
  description: 'Where it is put in the repository, such as static/logo.png; what is there goes.',
})

/** A file that is copied into the repository. */
export const BrandingAsset = Type.Object(
  {
    id: IntegerId,
    template_id: IntegerId,
    asset_type: AssetType,
    file_name: Type.String({ description: 'As it was uploaded.' }),
    target_path: Type.String(),
    content_type: Type.String({ description: 'As its bytes say.' }),
    size_bytes: Type.Integer(),
    sha256: Type.String({ description: '64 hexadecimal digits.' }),
    content_url: Type.String({ description: 'Where its bytes are.' }),
    created_by: Type.String(),
    created_at: Timestamp,
  },
  { $id: 'BrandingAsset' },
)
export type BrandingAsset = Static<typeof BrandingAsset>

export const UpdateAssetRequest = Type.Object(
  { target_path: Type.Optional(TargetPath), asset_type: Type.Optional(AssetType) },
  { $id: 'UpdateBrandingAssetRequest', additionalProperties: false, minProperties: 1 },
)
export type UpdateAssetRequest = Static<typeof UpdateAssetRequest>

export const BrandingTemplate = Type.Object(
  {
    id: IntegerId,
    name: Type.String(),
    description: NullableText,
    brand_name: NullableText,
    replacement_rules: Type.Array(BrandingRule),
    assets: Type.Array(BrandingAsset, { description: 'By their target paths.' }),
    archived: Type.Boolean(),
    created_by: Type.String(),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'BrandingTemplate' },
)
export type BrandingTemplate = Static<typeof BrandingTemplate>

const success = Type.Literal(true)

export const TemplateResponse = Type.Object(
  { success, template: BrandingTemplate },
  { $id: 'BrandingTemplateResponse' },
)
export const ListTemplatesResponse = Type.Object(
  { success, templates: Type.Array(BrandingTemplate), count: Type.Integer() },
  { $id: 'ListBrandingTemplatesResponse' },
)
export type ListTemplatesResponse = Static<typeof ListTemplatesResponse>

export const ListTemplatesQuery = Type.Object(
  {
    name: Type.Optional(Text({ minLength: 1, maxLength: 100, description: 'Only that one.' })),
    archived: Type.Optional(
      Type.Boolean({ default: false, description: 'Those that are archived, too.' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 100 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647, default: 0 })),
  },
  { $id: 'ListBrandingTemplatesQuery', additionalProperties: false },
)
export type ListTemplatesQuery = Static<typeof ListTemplatesQuery>

export const AssetResponse = Type.Object(
  { success, asset: BrandingAsset },
  { $id: 'BrandingAssetResponse' },
)
export const ListAssetsResponse = Type.Object(
  { success, assets: Type.Array(BrandingAsset), count: Type.Integer() },
  { $id: 'ListBrandingAssetsResponse' },
)
export type ListAssetsResponse = Static<typeof ListAssetsResponse>

export const DuplicateTemplateRequest = Type.Unsafe<{ name?: string } | null>({
  ...Type.Object(
    {
      name: Type.Optional({
        ...Name,
        description: 'Of the copy. Default: `<name> (copy)`, or the first number that is free.',
      }),
    },
    { $id: 'DuplicateBrandingTemplateRequest', additionalProperties: false },
  ),
  type: ['object', 'null'],
})
export type DuplicateTemplateRequest = Static<typeof DuplicateTemplateRequest>

/** What a template would do to a repository. */
export const PreviewRequest = Type.Object(
  {
    repository_id: Type.Optional(
      Type.Unsafe<number | null>({
        ...orNull(IntegerId),
        description: 'A registered repository; absent or null: the official one.',
      }),
    ),
    ref: Type.Optional({
      ...RefName,
      description: 'Branch, tag or commit; default: the default branch of the repository.',
    }),
    variables: Type.Optional(
      Type.Record(
        Text({ minLength: 1, maxLength: 200 }),
        Type.Unsafe<string | number | boolean>({
          type: ['string', 'number', 'boolean'],
          maxLength: 4_096,
        }),
        {
          maxProperties: 200,
          description: 'As `custom_parameters` of a build.',
        },
      ),
    ),
    replacement_rules: Type.Optional({
      ...Rules,
      description: 'Tried instead of those of the template, and not stored.',
    }),
    brand_name: Type.Optional({
      ...BrandName,
      description: 'Tried instead of that of the template, and not stored.',
    }),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        default: 20,
        description: 'Files that are shown with their differences.',
      }),
    ),
  },
  { $id: 'PreviewBrandingRequest', additionalProperties: false },
)
export type PreviewRequest = Static<typeof PreviewRequest>

export const BrandingPreview = Type.Object(
  {
    repository: Type.Object({
      id: Type.Unsafe<number | null>(orNull(IntegerId)),
      name: Type.String(),
    }),
    ref: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'As asked for, or the default branch; null: the remote names none.',
    }),
    commit_sha: Type.String(),
    files_scanned: Type.Integer({ description: 'Text files that a rule was for.' }),
    files_changed: Type.Integer(),
    replacements: Type.Integer(),
    files: Type.Array(
      Type.Object({
        path: Type.String(),
        replacements: Type.Integer(),
        diff: Type.String({
          description: 'Unified; empty where `truncated` and too much to show.',
        }),
        truncated: Type.Boolean({ description: 'It shows not all of this file.' }),
      }),
    ),
    truncated: Type.Boolean({ description: 'More files change than are shown.' }),
    rules: Type.Array(
      Type.Object({
        pattern: Type.String(),
        replacements: Type.Integer(),
        files: Type.Integer({ description: 'Files in which it matched.' }),
      }),
      { description: 'What each rule did, in their order.' },
    ),
    assets: Type.Array(
      Type.Object({
        id: IntegerId,
        target_path: Type.String(),
        size_bytes: Type.Integer(),
        action: Type.Enum(['create', 'replace', 'unchanged', 'refused']),
      }),
    ),
    warnings: Type.Array(Type.String()),
  },
  { $id: 'BrandingPreview' },
)
export type BrandingPreview = Static<typeof BrandingPreview>

export const PreviewResponse = Type.Object(
  { success, preview: BrandingPreview },
  { $id: 'BrandingPreviewResponse' },
)
