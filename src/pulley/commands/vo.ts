/** `pulley vo`: the key is made here, and only its public half goes to the server. */
import { access, link, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { syncFolder } from '../../base/atomic-file.ts'
import { administer, checkedVo, clientFor, readKey, type ServerAddress, serverFile, writeNew } from '../client/admin.ts'
import { SUCCESSION } from '../protocol/documents.ts'
import { seal } from '../protocol/envelope.ts'
import { fingerprintOf, makeSigningKey, type SigningKey } from '../protocol/keys.ts'

export interface VoFlags {
  readonly keys: string
  readonly server: readonly string[]
  readonly ca?: string
  readonly operatorKey: string
}

/** Makes the key, tells the server, and writes where the server is. A VO whose answer was lost is made again with the same key. */
export const voCreate = async (name: string, flags: VoFlags, io: Abortable): Promise<number> => {
  const vo = checkedVo(name)
  const keyFile = join(flags.keys, `${vo}.key`)
  const operator = await readKey(flags.operatorKey, 'the operator')
  const server: ServerAddress = {
    servers: [...flags.server],
    ...(flags.ca !== undefined && { ca: await readFile(flags.ca, 'utf8') }),
  }
  const made = await keyFor(keyFile, serverFile(flags.keys, vo))
  await using client = clientFor(server, operator, 'operator')
  await client.json({ method: 'POST', path: '/admin/v1/vos', body: { name: vo, publicKey: made.publicKey } }, io)
  await writeNew(serverFile(flags.keys, vo), `${JSON.stringify(server, undefined, 2)}\n`)
  process.stdout.write(
    `VO ${vo}: key ${made.publicKey} (${fingerprintOf(made.publicKey)}), private half in ${keyFile}\n`,
  )
  process.stderr.write(`Keep ${keyFile}: whoever has it can order every node of ${vo}, and without it nobody can.\n`)
  return 0
}

/** A new key, or the one which was made when an earlier try did not reach the server. */
const keyFor = async (keyFile: string, addressFile: string): Promise<SigningKey> => {
  const isThere = (path: string) =>
    access(path).then(
      () => true,
      () => false, // not there, or not to be seen: making it will tell
    )
  if ((await isThere(keyFile)) && !(await isThere(addressFile))) return await readKey(keyFile, 'the VO')
  const made = makeSigningKey()
  await writeNew(keyFile, made.pem)
  return made
}

export const voList = async (flags: VoFlags & { readonly json?: boolean }, io: Abortable): Promise<number> => {
  const operator = await readKey(flags.operatorKey, 'the operator')
  await using client = clientFor({ servers: [...flags.server] }, operator, 'operator')
  const vos = (await client.json({ method: 'GET', path: '/admin/v1/vos' }, io)) as readonly {
    name: string
    publicKey: string
    created: number
  }[]
  for (const vo of vos)
    process.stdout.write(
      flags.json ? `${JSON.stringify(vo)}\n` : `${vo.name}  ${vo.publicKey}  ${new Date(vo.created).toISOString()}\n`,
    )
  return 0
}

export const voShow = async (name: string, keys: string, io: Abortable): Promise<number> => {
  await using vo = await administer(name, keys, undefined)
  process.stdout.write(`${JSON.stringify(await vo.json('GET', '', undefined, io), undefined, 2)}\n`)
  return 0
}

/**
 * Makes a new key, and tells server and nodes by a document which the old one signs. The new key is on disk before anybody
 * hears of it; the old one stays beside it.
 */
export const voRekey = async (name: string, keys: string, io: Abortable): Promise<number> => {
  const keyFile = join(keys, `${checkedVo(name)}.key`)
  const newFile = `${keyFile}.new`
  await using vo = await administer(name, keys, undefined)
  const successor = await keyFor(newFile, `${newFile}.none`)
  const document = seal(SUCCESSION, { vo: vo.vo, successor: successor.publicKey, issued: Date.now() }, vo.key)
  await vo.json('POST', '/key', { document }, io)
  // There is a key under its name at every moment.
  const former = `${keyFile}.${fingerprintOf(vo.key.publicKey)}.old`
  await rm(former, { force: true })
  await link(keyFile, former)
  await rename(newFile, keyFile)
  await syncFolder(keys)
  process.stdout.write(`VO ${vo.vo}: key ${successor.publicKey} (${fingerprintOf(successor.publicKey)})\n`)
  process.stderr.write('Publish the policy again: bundles which the old key signed are taken by no new node.\n')
  return 0
}
