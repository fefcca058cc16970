// The room of branding: templates and their assets, and how a tree is dressed in one.
export { applyBranding, type AppliedBranding } from './apply-branding.ts'
export type { BrandingToApply, ReplacementRule } from './branding-to-apply.ts'
export { deleteTemplate } from './delete-template.ts'
export type { BrandingDeps, OfficialSource, PreviewDeps } from './deps.ts'
export { getTemplate, listTemplates } from './list-templates.ts'
export { readBranding } from './read-branding.ts'
export { createTemplate, updateTemplate } from './write-template.ts'
