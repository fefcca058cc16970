export { loadSigningKey, type SigningKey } from './load-signing-key.ts'
export { signManifest } from './sign-manifest.ts'
