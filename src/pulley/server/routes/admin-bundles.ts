/** Bundles with their content and waves, for administrators. */

import { createHash } from 'node:crypto'
import * as z from 'zod'
import { newBundle, wavesChange } from '../../protocol/admin-messages.ts'
import { BUNDLE } from '../../protocol/documents.ts'
import { MAX_CONTENT, MAX_DOCUMENT } from '../../protocol/limits.ts'
import { sha256Hex } from '../../protocol/names.ts'
import type { Waves } from '../../store/store.ts'
import { type Context, partOf } from '../context.ts'
import type { Api } from '../http/api.ts'
import { RefusedRequest } from '../http/refusal.ts'
import { ownVo, unlessMissing, unlessRefused, VO_PATH, verifiedDocument } from './admin-common.ts'

export const bundleRoutes = (api: Api, context: Context): void => {
  const { store } = context
  api.add('put', `${VO_PATH}/blobs/:sha256`, {
    summary: 'The content of a bundle, as bytes.',
    who: 'vo',
    bodyLimit: MAX_CONTENT,
    handle: async request => {
      const vo = await ownVo(request, context)
      const sha256 = partOf(request, 'sha256', sha256Hex)
      const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      if (createHash('sha256').update(content).digest('hex') !== sha256)
        throw new RefusedRequest('malformed', 'the content is not what its checksum says')
      await store.putBlob(vo.name, sha256, content)
      return {}
    },
  })
  api.add('get', `${VO_PATH}/blobs/:sha256`, {
    summary: 'The content of a bundle.',
    who: 'vo',
    handle: async (request, _body, reply) => {
      const vo = await ownVo(request, context)
      const content = await store.blob(vo.name, partOf(request, 'sha256', sha256Hex))
      return reply.type('application/octet-stream').send(unlessMissing(content, 'content'))
    },
  })
  api.add('get', `${VO_PATH}/bundles`, {
    summary: 'Its bundles, the newest first.',
    who: 'vo',
    handle: async request => await store.bundles((await ownVo(request, context)).name),
  })
  api.add('post', `${VO_PATH}/bundles`, {
    summary: 'Publish a bundle, whose content is here.',
    who: 'vo',
    body: newBundle,
    // The document with what stands beside it.
    bodyLimit: MAX_DOCUMENT + 64 * 1024,
    handle: async (request, body) => {
      const vo = await ownVo(request, context)
      const { document, note, waves } = body()
      const { serial, content } = verifiedDocument(BUNDLE, document, vo)
      const now = context.now()
      const bundle = { vo: vo.name, serial, envelope: document, contentSha256: content.sha256, created: now, note }
      unlessRefused(await store.publishBundle({ ...bundle, waves: waves ? firstStep(waves, now) : allAtOnce(now) }))
      await context.refresh()
      return { serial }
    },
  })
  api.add('post', `${VO_PATH}/bundles/:serial/waves`, {
    summary: 'Halt, resume or finish the waves of a bundle.',
    who: 'vo',
    body: wavesChange,
    handle: async (request, body) => {
      const vo = await ownVo(request, context)
      const serial = partOf(request, 'serial', z.coerce.number().int().positive())
      const bundle = unlessMissing(
        (await store.bundles(vo.name)).find(one => one.serial === serial),
        'bundle',
      )
      const after = changedWaves(bundle.waves, body().do, context.now())
      await store.setWaves(vo.name, serial, after)
      await context.refresh()
      return after
    },
  })
}

const allAtOnce = (now: number): Waves => ({
  ...{ steps: [{ share: 1 }], open: 1, state: 'done', maxFail: 1, since: now, why: undefined },
})

const firstStep = (waves: Pick<Waves, 'steps' | 'maxFail'>, now: number): Waves => ({
  ...waves,
  ...{ open: 0, state: 'running', since: now, why: undefined },
})

const changedWaves = (waves: Waves, what: 'halt' | 'resume' | 'finish', now: number): Waves => {
  if (waves.state === 'done') throw new RefusedRequest('conflict', 'all nodes may have it already')
  if (what === 'finish') return { ...waves, open: waves.steps.length, state: 'done', since: now, why: undefined }
  if (what === 'halt') return { ...waves, state: 'halted', since: now, why: 'halted by hand' }
  return { ...waves, state: 'running', since: now, why: undefined }
}
