export { loadSigningKey, type SigningKey } from './load-signing-key.ts'
export {
  type ManifestSigner,
  signDigest,
  type SignedDigest,
  signManifest,
} from './sign-manifest.ts'
