/** Keys which only the system's ssh can use: certificates and FIDO keys, in files and in agents. */
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Abortable, sharedWork } from '../../base/abortable.ts'
import { type AgentKey, agentKeys } from '../agent-keys.ts'
import { keyType } from '../known-hosts/public-key.ts'
import { openSshPublicHalf } from '../private-key-format.ts'
import type { HostSettings } from '../ssh-config/ssh-config.ts'
import type { Unfollowed } from '../unfollowed.ts'

export interface KeyOptions {
  /** Key files which the user names for this run. */
  readonly identity: readonly string[]
  readonly home: string
}

type Wanted = Pick<HostSettings, 'identityFiles' | 'identitiesOnly' | 'identityAgent'>

/** What ssh tries where no key file is named. */
const USUAL = ['id_rsa', 'id_ecdsa', 'id_ed25519']
const USUAL_FIDO = ['id_ecdsa_sk', 'id_ed25519_sk']

export interface KeyNeeds {
  readonly needs: readonly Unfollowed[]
  /** Whether there is any key to offer, of whatever kind. */
  readonly hasKey: boolean
}

/** For a host's settings, the keys with which only the system's ssh can log in; files and agents are looked at once. */
export const keyNeeds = (options: KeyOptions): ((wanted: Wanted, io: Abortable) => Promise<KeyNeeds>) => {
  const known = new Map<string, (io: Abortable) => Promise<KeyNeeds>>()
  return async (wanted, io) => {
    const key = JSON.stringify([wanted.identityFiles, wanted.identitiesOnly, wanted.identityAgent])
    const work = known.get(key) ?? sharedWork(io => look(options, wanted, io))
    known.set(key, work)
    return await work(io)
  }
}

const look = async ({ identity, home }: KeyOptions, wanted: Wanted, io: Abortable): Promise<KeyNeeds> => {
  const chosen = identity.length > 0 || wanted.identityFiles !== undefined
  const usual = (names: readonly string[]) => names.map(name => join(home, '.ssh', name))
  const files = await existing(chosen ? [...identity, ...(wanted.identityFiles ?? [])] : usual(USUAL))
  const fido = chosen ? [] : await existing(usual(USUAL_FIDO))
  const inAgent = wanted.identityAgent === undefined ? [] : await listed(wanted.identityAgent, io)
  const hasKey = files.length + fido.length + inAgent.length > 0
  const need = (what: string): KeyNeeds => ({ needs: [{ what, decides: true }], hasKey })

  const [certificate] = await existing(files.map(file => `${file}-cert.pub`))
  if (certificate !== undefined) return need(`the certificate ${certificate}`)
  // Only keys which somebody has chosen are offered then, and the certificates beside those have been looked for.
  const held = wanted.identitiesOnly ? undefined : inAgent.find(({ blob }) => CERTIFICATE.test(keyType(blob)))
  if (held !== undefined) return need(`a certificate in the agent (${held.comment})`)
  if (chosen) for (const file of files) if (FIDO.test(await typeOf(file))) return need(`the FIDO key ${file}`)
  // People who have other keys as well do not mean to touch their token for every node.
  if (chosen || files.length > 0 || inAgent.some(({ blob }) => !FIDO.test(keyType(blob)))) return { needs: [], hasKey }
  const [token] = inAgent
  if (token !== undefined) return need(`the FIDO key in the agent (${token.comment})`)
  return fido[0] === undefined ? { needs: [], hasKey } : need(`the FIDO key ${fido[0]}`)
}

const CERTIFICATE = /-cert-v\d\d@openssh\.com$/
const FIDO = /^sk-/

/** Nothing where the agent cannot be asked: who uses it will say so. */
const listed = async (socket: string, io: Abortable): Promise<readonly AgentKey[]> => {
  try {
    return await agentKeys(socket, io)
  } catch {
    io.signal.throwIfAborted()
    return []
  }
}

/** The type of a key file, as its public half has it; empty where that is not to be seen without a passphrase. */
const typeOf = async (file: string): Promise<string> => {
  const beside = await text(`${file}.pub`)
  if (beside !== '') return beside.split(' ')[0] ?? ''
  const half = openSshPublicHalf(await text(file))
  return half === undefined ? '' : keyType(half)
}

// What cannot be read is told by whoever has to read it.
const text = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '')

/** Those which are there, or of which there is the public half. */
const existing = async (files: readonly string[]): Promise<readonly string[]> => {
  const found = await Promise.all(files.map(async file => (await isThere(file)) || (await isThere(`${file}.pub`))))
  return files.filter((_, n) => found[n])
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false, // what cannot be seen cannot be used either
  )
