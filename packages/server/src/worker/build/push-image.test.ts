import { expect, it } from 'vitest'
import { pushImage, type PushImageDeps } from './push-image.ts'

it('sends a login nowhere but to its own registry, should that be changed while a build runs', async () => {
  const sent: string[] = []
  const deps = {
    images: {
      push: async ({ target }: { target: string }) => {
        sent.push(target)
        return { digest: 'sha256:1' }
      },
    },
    openPushed: () => ({ getManifest: async () => null }),
  } as unknown as PushImageDeps
  const pushing = pushImage(
    deps,
    {
      attempt: { registry: { address: 'old.example.org', namespace: 'acme' } },
      image: { image: 'shop:1', imageId: 'sha256:2' },
      output: { write: () => undefined, progress: () => undefined },
      login: { username: 'ada', password: 'new', serverAddress: 'new.example.org' },
    },
    new AbortController().signal,
  )
  await expect(pushing).rejects.toMatchObject({ code: 'unavailable' })
  expect(sent).toEqual([])
})
