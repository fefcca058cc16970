import type { BuildOutputType, CreateBuildRequest } from '@slipway/contract/builds'
import { buildStepKeys } from '@slipway/contract/vocabulary'
import { type Command, Option } from 'commander'
import { assignments } from '../assignments.ts'
import type { Context } from '../context.ts'
import { findTemplate } from '../find-template.ts'
import { findConfiguration } from './configuration.ts'
import { findRegistry } from './registry.ts'
import { findRepository } from './repository.ts'

export interface CreateFlags {
  repository?: string
  ref?: string
  output?: BuildOutputType
  push?: string
  branding?: string
  configuration?: string
  imageName?: string
  imageTag?: string
  buildArg?: string[]
  platform?: string[]
  param?: string[]
  step?: string[]
}

const outputs: readonly BuildOutputType[] = ['zip', 'docker_image', 'both']
const known = buildStepKeys

export function addCreateOptions(command: Command): Command {
  return command
    .option('-r, --repository <repository>', 'registered, by name or id; default: the official one')
    .option('--ref <ref>', 'branch, tag or commit; default: its default branch')
    .addOption(
      new Option(
        '-o, --output <type>',
        'what is wanted; default: zip, or docker_image to push',
      ).choices(outputs),
    )
    .option('--branding <template>', 'branding template to apply, by name or id')
    .option('--configuration <configuration>', 'configuration to apply, by name or id')
    .option('--push <registry>', 'registry to push the image to, by name or id')
    .option('--image-name <name>', 'of the image, without a tag')
    .option('--image-tag <tag>', 'of the image; default: the time')
    .option('--build-arg <name=value...>', 'ARG of the Dockerfile; not for secrets')
    .option('--platform <platform...>', 'such as linux/amd64')
    .option('--param <name=value...>', 'for {{name}} in branding and configuration')
    .option('--step <step...>', `steps by name, in place of those that follow from the above`)
}

/** What is asked for. Whether it fits together is the server's to judge, which names every problem. */
export async function readCreateRequest(
  context: Context,
  flags: CreateFlags,
): Promise<CreateBuildRequest> {
  const { repository, ref, branding, configuration, push, imageName, imageTag } = flags
  const output = flags.output ?? (push === undefined ? 'zip' : 'docker_image')
  return {
    steps_to_execute: flags.step ?? stepsFor(flags, output),
    output_type: output,
    ...(repository === undefined
      ? {}
      : { git_repository_id: (await findRepository(context, repository)).id }),
    ...(branding === undefined
      ? {}
      : { branding_template_id: (await findTemplate(context, branding)).id }),
    ...(configuration === undefined
      ? {}
      : { configuration_id: (await findConfiguration(context, configuration)).id }),
    ...(push === undefined ? {} : { registry_id: (await findRegistry(context, push)).id }),
    ...(ref === undefined ? {} : { ref }),
    ...(imageName === undefined ? {} : { image_name: imageName }),
    ...(imageTag === undefined ? {} : { image_tag: imageTag }),
    ...(flags.buildArg === undefined ? {} : { build_args: assignments(flags.buildArg) }),
    ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
    ...(flags.param === undefined ? {} : { custom_parameters: assignments(flags.param) }),
  }
}

function stepsFor(flags: CreateFlags, output: BuildOutputType): string[] {
  const wanted: Record<string, boolean> = {
    clone_repo: true,
    apply_branding: flags.branding !== undefined,
    apply_config: flags.configuration !== undefined,
    create_zip: output !== 'docker_image',
    build_image: output !== 'zip',
    push_registry: flags.push !== undefined,
  }
  return known.filter((key) => wanted[key] === true)
}
