// The room of credentials: logins of Git remotes and registries, kept sealed and never shown.
export { allowUse } from './allow-use.ts'
export { createCredential } from './create-credential.ts'
export { sealedCredentials } from './credential-rows.ts'
export { deleteCredential } from './delete-credential.ts'
export type { CredentialsDeps } from './deps.ts'
export {
  describeRegistryCredential,
  openCredentialLogin,
  type RegistryCredential,
} from './describe-registry-credential.ts'
export { getCredential, listCredentials } from './list-credentials.ts'
export { openGitAccess } from './open-git-access.ts'
export { openRegistryCredential } from './open-registry-credential.ts'
export { gitLoginOf, readCredential } from './read-credential.ts'
export { tryRegistry } from './try-registry.ts'
export { updateCredential } from './update-credential.ts'
export { verifyCredential, type VerifyDeps } from './verify-credential.ts'
export type { RegistryLogin } from './registry-login.ts'
