export { compileMasks, createMasker, type Masker, type Masks } from './create-masker.ts'
export { minSecretBytes } from './secret-needles.ts'
