// The room of secrets: kept sealed, given to steps, masked in what these print.
export { compileMasks, type Masker, type Masks } from './create-masker.ts'
export { checkKeys, rotateKeys, type SealedColumn } from './rotate-keys.ts'
export {
  deleteSecret,
  listSecrets,
  putSecret,
  readStepSecrets,
  sealedStepSecrets,
  type StepSecretsDeps,
} from './step-secrets.ts'
export { openVault, type SealedRecord, type Vault } from './vault.ts'
