export { compileMasks, type Masker, type Masks } from './create-masker.ts'
export { checkKeys, rotateKeys, type SealedColumn } from './rotate-keys.ts'
export { openVault, type SealedRecord, type Vault } from './vault.ts'
