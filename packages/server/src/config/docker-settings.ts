import { boolean, buildNetwork, directory, dockerHost } from './parse.ts'
import { absent, present } from './setting.ts'

/** Settings of the Docker engine; part of `settings`. */
export const dockerSettings = {
  DOCKER_HOST: present({
    description:
      'Docker engine that builds and pushes images and runs the containers of jobs and steps, as `unix:///path/of/docker.sock` or `tcp://host[:port]`. Whoever may create builds, runs or jobs has code of theirs run there.',
    default: 'unix:///var/run/docker.sock',
    parse: dockerHost,
  }),
  DOCKER_CERT_PATH: absent({
    description:
      'Directory with `ca.pem`, `cert.pem` and `key.pem`: with it, an engine on TCP is spoken to with TLS, and both ends are verified.',
    default: null,
    defaultNote: 'TCP without TLS',
    parse: directory,
  }),
  SLIPWAY_BUILD_NETWORK: present({
    description:
      'What the RUN lines of Dockerfiles reach: `default`, the network of the engine, or `none`.',
    default: 'default',
    parse: buildNetwork,
  }),
  SLIPWAY_PULL_IMAGES: present({
    description:
      'Whether images of jobs and steps are pulled that the Docker engine does not have, without a login.',
    default: 'true',
    parse: boolean,
  }),
}
