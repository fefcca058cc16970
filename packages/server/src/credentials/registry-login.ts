/** What a container registry wants to see, by Basic authentication or at its token service. */
export interface RegistryLogin {
  username: string
  password: string
  /** The registry that the credential is for, where it says so. */
  registryUrl: string | null
}
