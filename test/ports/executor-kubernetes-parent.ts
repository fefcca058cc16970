// A server that is going to be killed: runs one specification in a kubernetes executor.
// Arguments: the cluster as JSON, its state directory.
import { stdin, stdout } from 'node:process'
import { text } from 'node:stream/consumers'
import type { ExecutionSpec } from '../../packages/server/src/ports/executor.ts'
import { type ClusterPlace, openKubernetesExecutor } from './executor-kubernetes-world.ts'

const [place, stateDir] = process.argv.slice(2) as [string, string]
const executor = await openKubernetesExecutor(JSON.parse(place) as ClusterPlace, stateDir)
await executor.open()
const spec = JSON.parse(await text(stdin)) as ExecutionSpec
const execution = await executor.start(spec, { write: (chunk) => void stdout.write(chunk) })
await execution.done
await executor.close()
