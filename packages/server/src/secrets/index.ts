export { compileMasks, type Masker, type Masks } from './create-masker.ts'
