/**
 * The bundles of a node: which of those that it is offered it takes, and what they hold on disk. It takes none that is not
 * signed by its VO, or older than one it has seen; what is damaged on disk is fetched again.
 */
import { join } from 'node:path'
import { StokerError } from '../../../base/errors.ts'
import { unpack } from '../../bundle/tree.ts'
import { BUNDLE, type Bundle } from '../../protocol/documents.ts'
import { type Envelope, envelope, open } from '../../protocol/envelope.ts'
import type { Folder } from '../state/folder.ts'
import type { Progress } from '../state/identity-files.ts'

const FOLDER = 'bundles'

/** A bundle whose files lie in a folder, as its signature says. */
export interface LocalBundle {
  readonly bundle: Bundle
  /** Absolute path of the policy's folder. */
  readonly folder: string
}

/** What an offered bundle is: to be taken, known already, or refused for good. */
export type OfferCheck =
  | { readonly kind: 'new'; readonly bundle: Bundle }
  | { readonly kind: 'same' }
  | { readonly kind: 'refused'; readonly serial: number; readonly why: string }

/**
 * Looks at an offered bundle. The first of the keys is the one which counts; those before it, for what is in use already.
 * Pure; `now` in milliseconds since 1970.
 */
export const checkOffer = (
  document: Envelope,
  vo: string,
  [voKey = '', ...former]: readonly string[],
  progress: Progress,
  now: number,
): OfferCheck => {
  const bundle = openBundle(document, voKey)
  if (bundle instanceof StokerError) {
    if (openByAny(document, former)?.serial === progress.current) return { kind: 'same' }
    return { kind: 'refused', serial: 0, why: bundle.message }
  }
  const { serial } = bundle
  if (bundle.vo !== vo) return { kind: 'refused', serial, why: `bundle ${serial} is for VO ${bundle.vo}` }
  if (serial < progress.seen)
    return {
      kind: 'refused',
      serial,
      why: `bundle ${serial} is older than bundle ${progress.seen}, which was seen before`,
    }
  if (progress.reverted.includes(serial))
    return { kind: 'refused', serial, why: `bundle ${serial} has cost the contact to the server, and was taken back` }
  // What was seen while it was fresh may be fetched again; what comes too late was held back by somebody.
  if (serial > progress.seen && bundle.expires <= now)
    return {
      ...{ kind: 'refused', serial },
      why: `bundle ${serial} expired at ${new Date(bundle.expires).toISOString()}, before it came here; publish it again`,
    }
  return serial === progress.current ? { kind: 'same' } : { kind: 'new', bundle }
}

const openBundle = (document: Envelope, voKey: string): Bundle | StokerError => {
  try {
    return open(BUNDLE, document, voKey)
  } catch (thrown) {
    if (thrown instanceof StokerError) return thrown
    throw thrown
  }
}

const openByAny = (document: Envelope, voKeys: readonly string[]): Bundle | undefined => {
  for (const key of voKeys) {
    const bundle = openBundle(document, key)
    if (!(bundle instanceof StokerError)) return bundle
  }
  return undefined
}

/** Keeps a bundle with its content; it is in the folder whole or not at all. Throws `UNTRUSTED` when the content is not what was signed. */
export const saveBundle = async (
  folder: Folder,
  document: Envelope,
  bundle: Bundle,
  content: Uint8Array,
): Promise<LocalBundle> => {
  const tree = unpack(content, bundle.content.sha256)
  const subfolder = folderOf(bundle.serial)
  await folder.remove(subfolder)
  for (const [path, data] of tree) await folder.writeBytes(`${subfolder}/policy/${path}`, data)
  // Written last: without it the rest counts for nothing.
  await folder.writeBytes(`${subfolder}/content`, content)
  await folder.write(`${subfolder}/bundle.json`, document)
  return { bundle, folder: join(folder.path, subfolder, 'policy') }
}

/** A bundle of the folder, its signature and content verified again; `undefined` when it is not there, or not whole. */
export const loadBundle = async (
  folder: Folder,
  serial: number,
  vo: string,
  voKeys: readonly string[],
): Promise<LocalBundle | undefined> => {
  const subfolder = folderOf(serial)
  const document = await folder.read(`${subfolder}/bundle.json`, envelope).catch(() => undefined) // damaged: as good as none
  const content = await folder.bytes(`${subfolder}/content`)
  if (!document || !content) return undefined
  const bundle = openByAny(document, voKeys)
  if (bundle?.vo !== vo || bundle.serial !== serial) return undefined
  try {
    const tree = unpack(content, bundle.content.sha256)
    for (const [path, data] of tree) {
      const there = await folder.bytes(`${subfolder}/policy/${path}`)
      if (!there?.equals(data)) await folder.writeBytes(`${subfolder}/policy/${path}`, data)
    }
    return { bundle, folder: join(folder.path, subfolder, 'policy') }
  } catch (thrown) {
    if (thrown instanceof StokerError && thrown.code === 'UNTRUSTED') return undefined
    throw thrown
  }
}

/** Takes away all bundles but these. */
export const removeOtherBundles = async (folder: Folder, serials: readonly number[]): Promise<void> => {
  for (const name of await folder.list(FOLDER))
    if (!serials.includes(Number(name))) await folder.remove(`${FOLDER}/${name}`)
}

const folderOf = (serial: number): string => `${FOLDER}/${serial}`
