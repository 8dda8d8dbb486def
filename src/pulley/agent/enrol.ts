/** How a machine becomes a node: it makes its keys, shows a token, and pins the VO's key. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { VERSION } from '../../base/version.ts'
import { Client, parseAnswer } from '../client/client.ts'
import { makeSigningKey, parseSigningKey } from '../protocol/keys.ts'
import { MAX_TOKEN } from '../protocol/limits.ts'
import { enrolAnswer } from '../protocol/messages.ts'
import { nodeName } from '../protocol/names.ts'
import { makeSealKey } from '../protocol/sealed.ts'
import { machineFingerprint, ownName } from './state/fingerprint.ts'
import type { Folder } from './state/folder.ts'
import { IDENTITY, type Identity, NO_PROGRESS, PROGRESS } from './state/identity-files.ts'

export interface EnrolOptions {
  readonly servers: readonly string[]
  readonly vo: string
  readonly tokenFile: string
  /** Default: the machine's host name. */
  readonly name?: string | undefined
  readonly ca?: string | undefined
  /** The VO's key, when it is known beforehand: then not even the server has to be trusted at the enrolment. */
  readonly voKey?: string | undefined
  readonly cloneOf?: string | undefined
  /** Whom this machine obeys already: it goes on with that, whatever the server says now. */
  readonly pinned?: Pick<Identity, 'voKey' | 'formerKeys'> | undefined
}

/** Keys which were made for an enrolment whose answer has not been heard: the same again takes no second use of the token. */
const pendingKeys = z.strictObject({ signingKey: z.string(), sealKey: z.string(), sealPublic: z.string() })
const PENDING_FILE = 'enrolling.json'

/** Enrols and writes the identity. Throws `USAGE` for the name, `REFUSED`, `CONNECT_FAILED`, `CONFIG` for the token file, `UNTRUSTED` for a VO of another key. */
export const enrol = async (folder: Folder, options: EnrolOptions, io: Abortable): Promise<Identity> => {
  const { servers, vo, tokenFile, ca, cloneOf, pinned } = options
  const token = await readToken(tokenFile)
  const keys = (await folder.read(PENDING_FILE, pendingKeys)) ?? (await newKeys())
  await folder.write(PENDING_FILE, keys)
  const key = parseSigningKey(keys.signingKey)
  const fingerprint = await machineFingerprint()
  const name = checkedName(options.name)
  await using client = new Client({ servers, key, keyid: key.publicKey, ...(ca !== undefined && { ca }) })
  const body = {
    ...{ vo, token, name, publicKey: key.publicKey, sealKey: keys.sealPublic, fingerprint, version: VERSION },
    ...(cloneOf && { cloneOf }),
  }
  const request = { method: 'POST', path: '/v1/enrol', body } as const
  const answer = parseAnswer(enrolAnswer, await client.json(request, io), request)
  if (options.voKey !== undefined && options.voKey !== answer.voKey)
    throw new StokerError(
      'UNTRUSTED',
      vo,
      `the server says that VO ${vo} has the key ${answer.voKey}; expected ${options.voKey}`,
    )
  // What was signed for the node which this machine was a copy of must not count for it again.
  if (answer.node === cloneOf)
    throw new StokerError('UNTRUSTED', vo, `the server gives node ${cloneOf} to a machine which is not it`)
  const identity: Identity = {
    ...{
      vo,
      node: answer.node,
      name: answer.name,
      roles: answer.roles,
      servers: [...servers],
      ...(pinned ?? { voKey: answer.voKey, formerKeys: [] }),
    },
    ...{ signingKey: keys.signingKey, sealKey: keys.sealKey, fingerprint, tokenFile: resolve(tokenFile) },
    ...(ca !== undefined && { ca }),
  }
  // A new node has seen nothing; what its image had seen was another's.
  await folder.write(PROGRESS.file, NO_PROGRESS)
  await folder.write(IDENTITY.file, identity)
  await folder.remove(PENDING_FILE)
  return identity
}

/** The name, or the machine's own, as one of a node. Throws `USAGE`. */
export const checkedName = (name: string | undefined): string => {
  const own = name ?? ownName()
  if (nodeName.safeParse(own).success) return own
  const wrong = name === undefined ? `this machine calls itself ${shown(own)}; say --name` : `--name ${shown(own)}`
  throw new StokerError('USAGE', '--name', `${wrong}: expected a host name in lower case`)
}

const newKeys = async (): Promise<z.output<typeof pendingKeys>> => {
  const { publicKey, privateKey } = await makeSealKey()
  return { signingKey: makeSigningKey().pem, sealKey: privateKey, sealPublic: publicKey }
}

const readToken = async (path: string): Promise<string> => {
  try {
    const token = (await readFile(path, 'utf8')).trim()
    if (/^\S{16,}$/.test(token) && token.length <= MAX_TOKEN) return token
  } catch (cause) {
    throw new StokerError('CONFIG', path, `cannot read the token file ${path}: ${(cause as Error).message}`, { cause })
  }
  throw new StokerError(
    'CONFIG',
    path,
    `${path} holds no token; it has to hold the text which 'pulley token create' wrote`,
  )
}
