// The room of registries: where builds push their images to, and how to get in.
export { deleteRegistry } from './delete-registry.ts'
export type { RegistriesDeps } from './deps.ts'
export { getRegistry, listRegistries } from './list-registries.ts'
export { openRegistryLogin } from './open-registry-login.ts'
export { testRegistry } from './test-registry.ts'
export { createRegistry, updateRegistry } from './write-registry.ts'
