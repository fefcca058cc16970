// The room of Docker: the API of an engine over its socket; what adapters for images and containers share.
export { connectDocker, type Docker, type DockerOptions, DockerRefusal } from './connect-docker.ts'
export { type DockerMessage, readMessages } from './read-messages.ts'
