/** The administrator's side: keys of VOs on her own machine, and requests which are signed with them. */
import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import type { Abortable } from '../../base/abortable.ts'
import { writeAtomic } from '../../base/atomic-file.ts'
import { StokerError } from '../../base/errors.ts'
import { userFolder } from '../../base/folders.ts'
import { parseSigningKey, type SigningKey } from '../protocol/keys.ts'
import { voName } from '../protocol/names.ts'
import { Client } from './client.ts'

/** Where keys and addresses are kept: `--keys`, `$PULLEY_KEYS`, or the user's configuration folder. */
export const keysFolder = (flag: string | undefined, env: NodeJS.ProcessEnv): string =>
  flag ?? (env.PULLEY_KEYS || join(userFolder('config', { env }), 'pulley'))

const serverAddress = z.strictObject({ servers: z.array(z.url()).min(1), ca: z.string().optional() })
export type ServerAddress = z.output<typeof serverAddress>

/** A VO which is administered from here. */
export interface Administered extends AsyncDisposable {
  readonly vo: string
  readonly key: SigningKey
  /** Asks below `/admin/v1/vos/NAME`; throws `REFUSED` with the server's words. */
  json(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    io: Abortable,
  ): Promise<unknown>
  bytes(path: string, io: Abortable): Promise<Uint8Array>
}

/** The VO whose key is in the folder. Throws `USAGE` when there is none, or when there are several. */
export const onlyVo = async (folder: string): Promise<string> => {
  const files = await readdir(folder).catch(() => []) // as good as empty
  const names = files.flatMap(file => /^(.+)\.key$/.exec(file)?.[1] ?? []).sort()
  const [name] = names
  if (name !== undefined && names.length === 1) return name
  const why = name === undefined ? `there is no key of a VO in ${folder}` : `there are keys of ${names.join(', ')}`
  throw new StokerError('USAGE', '--vo', `--vo has to name the virtual organisation: ${why}`)
}

/** Opens the VO's key, and a client of its server. `keyFile`: instead of the one in the folder. Throws `CONFIG` naming what is missing. */
export const administer = async (vo: string, folder: string, keyFile: string | undefined): Promise<Administered> => {
  const key = await readKey(keyFile ?? join(folder, `${checkedVo(vo)}.key`), vo)
  const address = await readServerAddress(folder, vo)
  const client = clientFor(address, key, `vo:${vo}`)
  const base = `/admin/v1/vos/${vo}`
  return {
    ...{ vo, key },
    json: (method, path, body, io) =>
      client.json({ method, path: base + path, ...(body !== undefined && { body }) }, io),
    async bytes(path, io) {
      const request = { method: 'GET', path: base + path } as const
      const answer = await client.send(request, io)
      if (answer.status === 200) return answer.body
      throw new StokerError('REFUSED', path, `the server refuses: status ${answer.status}`)
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

export const clientFor = ({ servers, ca }: ServerAddress, key: SigningKey, keyid: string): Client =>
  new Client({ servers, key, keyid, ...(ca !== undefined && { ca }) })

/** A key from its file; throws `CONFIG` when it is not there, no key, or open to others. */
export const readKey = async (path: string, owner: string): Promise<SigningKey> => {
  try {
    await using file = await open(path, 'r')
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0)
      throw new StokerError('CONFIG', path, `${path} can be read by others; take that away: chmod 600 ${path}`)
    return parseSigningKey(await file.readFile('utf8'))
  } catch (cause) {
    if (cause instanceof StokerError) throw cause
    throw new StokerError(
      'CONFIG',
      path,
      `there is no key of ${owner} to be had from ${path}: ${(cause as Error).message}`,
      { cause },
    )
  }
}

/** Writes a new file for its owner only; throws `CONFIG` when there is one already. */
export const writeNew = async (path: string, text: string): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeAtomic(path, text, { exclusive: true })
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    const why = exists ? 'it is there already; move it away first' : (cause as Error).message
    throw new StokerError('CONFIG', path, `cannot write ${path}: ${why}`, { cause })
  }
}

export const serverFile = (folder: string, vo: string): string => join(folder, `${vo}.json`)

const readServerAddress = async (folder: string, vo: string): Promise<ServerAddress> => {
  const path = serverFile(folder, vo)
  try {
    return serverAddress.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new StokerError(
      'CONFIG',
      path,
      `${path} does not tell where the server of VO ${vo} is; 'pulley vo create' writes it: {"servers": ["https://HOST:8441"]}`,
      { cause },
    )
  }
}

/** The name of a VO, as it may stand in a path. Throws `USAGE`. */
export const checkedVo = (name: string): string => {
  const parsed = voName.safeParse(name)
  if (parsed.success) return parsed.data
  throw new StokerError(
    'USAGE',
    name,
    `${JSON.stringify(name)} is no name of a VO: lower-case letters, digits and dashes`,
  )
}
